import { describe, expect, test } from "bun:test";
import { startInstance } from "../support/instance.ts";
import { expectRefusal, MARKER } from "../support/secrecy.ts";

const event = { event: "page_view", anonymous_id: "visitor-1" };
const identity = { anonymous_id: "visitor-1", identity: { email: "ada@acme.example" } };

const origins: [string, { allowed: string[]; origin: string; isAllowed: boolean }][] = [
  ["any, where none is named", { allowed: [], origin: "https://shop.example", isAllowed: true }],
  ["one that is named", { allowed: ["https://shop.example"], origin: "https://shop.example", isAllowed: true }],
  [
    "one of several",
    { allowed: ["https://a.example", "https://b.example"], origin: "https://b.example", isAllowed: true },
  ],
  ["in another case", { allowed: ["https://shop.example"], origin: "HTTPS://Shop.Example", isAllowed: true }],
  ["with its port", { allowed: ["http://localhost:5173"], origin: "http://localhost:5173", isAllowed: true }],
  ["a sub-domain", { allowed: ["https://*.shop.example"], origin: "https://www.shop.example", isAllowed: true }],
  [
    "a sub-domain of a sub-domain",
    { allowed: ["https://*.shop.example"], origin: "https://a.b.shop.example", isAllowed: true },
  ],
  ["another site", { allowed: ["https://shop.example"], origin: `https://${MARKER}.example`, isAllowed: false }],
  ["another scheme", { allowed: ["https://shop.example"], origin: "http://shop.example", isAllowed: false }],
  ["another port", { allowed: ["https://shop.example"], origin: "https://shop.example:8443", isAllowed: false }],
  [
    "a sub-domain of a name that has none",
    { allowed: ["https://shop.example"], origin: "https://www.shop.example", isAllowed: false },
  ],
  [
    "the domain itself, where only sub-domains are named",
    { allowed: ["https://*.shop.example"], origin: "https://shop.example", isAllowed: false },
  ],
  [
    "a domain that ends alike",
    { allowed: ["https://*.shop.example"], origin: `https://${MARKER}shop.example`, isAllowed: false },
  ],
  [
    "a domain that begins alike",
    { allowed: ["https://shop.example"], origin: `https://shop.example.${MARKER}.example`, isAllowed: false },
  ],
  [
    "a sub-domain by another scheme",
    { allowed: ["https://*.shop.example"], origin: "http://www.shop.example", isAllowed: false },
  ],
  ["a page from a file", { allowed: ["https://shop.example"], origin: "null", isAllowed: false }],
];

describe("a page that sends", () => {
  test.each(origins)("%s", async (_, { allowed, origin, isAllowed }) => {
    await using house = startInstance({ origins: allowed });
    for (const [path, body] of [
      ["/track", event],
      ["/v1/e", event],
      ["/identify", identity],
    ] as const) {
      const answer = await house.post(path, body, { origin });
      expect(answer.headers.get("access-control-allow-origin")).toBe(isAllowed ? origin : null);
      expect(answer.headers.get("access-control-allow-credentials")).toBe(isAllowed ? "true" : null);
      expect(answer.headers.get("vary")).toBe("Origin");
      if (isAllowed) expect(answer.status).toBe(200);
      else expectRefusal(house, answer, { status: 403, code: "forbidden", field: "origin", says: "--origin" });
    }
    expect(house.rows("select 1 from event")).toHaveLength(isAllowed ? 3 : 0);
  });

  test.each(origins)("asks first: %s", async (_, { allowed, origin, isAllowed }) => {
    await using house = startInstance({ origins: allowed });
    const headers = {
      origin,
      "access-control-request-method": "POST",
      "access-control-request-headers": "content-type",
    };
    const request = new Request("http://localhost/track", { method: "OPTIONS", headers });
    const answer = await house.app.handle(request);
    expect(answer.status).toBe(204);
    expect(await answer.text()).toBe("");
    expect(answer.headers.get("access-control-allow-origin")).toBe(isAllowed ? origin : null);
    expect(answer.headers.get("access-control-allow-credentials")).toBe(isAllowed ? "true" : null);
    expect(answer.headers.get("access-control-allow-methods")).toContain("POST");
    expect(answer.headers.get("access-control-allow-headers")).toContain("content-type");
    expect(answer.headers.get("access-control-max-age")).toBe("86400");
  });
});

test("who is no browser has no origin, and needs none", async () => {
  await using house = startInstance({ origins: ["https://shop.example"] });
  expect((await house.post("/track", event)).status).toBe(200);
});

test("the secret key may send from any page; a wrong one may not", async () => {
  await using house = startInstance({ origins: ["https://shop.example"] });
  const origin = "https://admin.example";
  expect((await house.postSecret("/track", event, { origin })).status).toBe(200);
  const wrong = await house.post("/track", event, { origin, authorization: "Bearer sk_wrong" });
  expectRefusal(house, wrong, { status: 401, code: "unauthorized", field: "authorization" });
});

test("a refusal may be read by the page that is allowed to send", async () => {
  await using house = startInstance({ origins: ["https://shop.example"] });
  const answer = await house.post("/track", "{", { origin: "https://shop.example" });
  expect(answer.status).toBe(400);
  expect(answer.headers.get("access-control-allow-origin")).toBe("https://shop.example");
});

test("whoever names no origin is no page, and a star goes with no cookies", async () => {
  await using house = startInstance();
  for (const path of ["/people", "/health"]) {
    const { headers } = await house.getSecret(path);
    expect([path, headers.get("access-control-allow-origin")]).toEqual([path, "*"]);
    expect([path, headers.get("access-control-allow-credentials")]).toEqual([path, null]);
  }
});
