import { describe, expect, test } from "bun:test";
import { parseIntentConfig } from "../../src/config/intent.ts";
import { loadScript } from "../../src/features/tracker/routes.ts";
import { GUIDE, startMagnets } from "../features/magnets/magnets.ts";
import { startInstance, withSecret } from "../support/instance.ts";

function expectGuarded(headers: Headers): void {
  expect(headers.get("x-content-type-options")).toBe("nosniff");
  expect(headers.get("referrer-policy")).toMatch(/^(same-origin|no-referrer)$/);
  expect(headers.get("content-security-policy")).toMatch(/frame-ancestors '(self|none)'/);
  expect(headers.get("x-powered-by")).toBeNull();
  expect(headers.get("server")).toBeNull();
}

async function script() {
  const parsed = parseIntentConfig("{}");
  if (parsed.problems !== undefined) throw new Error(parsed.problems.join());
  return loadScript(parsed.config.tracker);
}

describe("every answer says what browsers must not do with it", () => {
  test("whatever the address, the method and the outcome", async () => {
    await using house = startInstance({ script: await script() });
    const routes = house.app.routes.filter(({ method }) => /^[A-Z]+$/.test(method) && method !== "ALL");
    expect(routes.length).toBeGreaterThan(30);
    for (const { method, path } of routes) {
      const url = `http://localhost${path.replace(/:[^/]+/g, "x").replace("*", "x")}`;
      for (const headers of [{}, withSecret, { origin: "https://acme.example" }]) {
        expectGuarded((await house.app.handle(new Request(url, { method, headers }))).headers);
      }
    }
  });

  test("on the pages for people, when there is something on them", async () => {
    await using house = startMagnets([GUIDE], { intent: { public_url: "http://localhost" } });
    const { started } = await house.form();
    const sent = await house.sendPlain({ email: "ada@acme.com", name: "Ada", team_size: "5", timing: "Now", started });
    expect(sent.status).toBe(303);
    const thanks = new URL(sent.headers.get("location") ?? "", "http://localhost");
    const page = await house.get(thanks.pathname + thanks.search);
    const file = /href="([^"]*\/file\?[^"]*)"/.exec(page.text)?.[1]?.replaceAll("&amp;", "&") ?? "";
    const pages: [path: string, headers: { [name: string]: string }][] = [
      ["/m/roi-guide", {}],
      ["/m/roi-guide?embed=1", {}],
      [thanks.pathname + thanks.search, {}],
      [file, {}],
      ["/people/ada@acme.com/explanation", withSecret],
      ["/docs", {}],
      ["/openapi.json", {}],
    ];
    for (const [path, headers] of pages) {
      const answer = await house.get(path, headers);
      expect([path, answer.status]).toEqual([path, 200]);
      const { headers: said } = answer;
      expect(said.get("x-content-type-options")).toBe("nosniff");
      expect(said.get("referrer-policy")).toMatch(/^(same-origin|no-referrer)$/);
      // A file is opened in no page of ours.
      expect(said.get("content-security-policy")).toMatch(path === file ? /sandbox/ : /frame-ancestors/);
      if (!said.get("content-type")?.includes("html")) continue;
      // Nothing of others runs in it, and it sends nowhere else.
      expect(said.get("content-security-policy")).toMatch(/default-src 'none'.*base-uri 'none'/);
    }
  });

  const refusals: [string, string, string][] = [
    ["where there is nothing", "GET", "/nothing"],
    ["where the method is another", "PUT", "/track"],
    ["where the body is none", "POST", "/track"],
    ["where a key is missing", "GET", "/people"],
    ["to who asks before sending", "OPTIONS", "/track"],
  ];
  test.each(refusals)("%s", async (_, method, path) => {
    await using house = startInstance();
    const headers = { origin: "https://acme.example", "access-control-request-method": "POST" };
    expectGuarded((await house.app.handle(new Request(`http://localhost${path}`, { method, headers }))).headers);
  });

  test("the script may be taken by pages of other sites", async () => {
    await using house = startInstance({ script: await script() });
    for (const path of ["/s.js", "/t.js", "/s.mjs", "/s/observe.js"]) {
      const { status, headers } = await house.get(path);
      expect(status).toBe(200);
      expect(headers.get("cross-origin-resource-policy")).toBe("cross-origin");
      expect(headers.get("access-control-allow-origin")).toBe("*");
    }
  });
});
