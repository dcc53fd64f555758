import { expect, test } from "bun:test";
import { DAY_MS } from "../../../src/core/duration.ts";
import { startInstance, type TestInstance, withSecret } from "../../support/instance.ts";

const PUBLIC_URL = "https://intent.acme.example";
const intent = {
  public_url: PUBLIC_URL,
  groups: { steps: { max: 100 } },
  rules: [{ name: "step", group: "steps", event: "step", points: 10, half_life: "7d" }],
  thresholds: { warm: 20 },
  accounts: { thresholds: { warm: 30 } },
  destinations: [{ type: "http", name: "chat", url: "https://receiver.example/", body: "{{link}}" }],
};

/** The links of the messages that wait: the person's first, then the company's. */
async function linksAfterCrossing(instance: TestInstance): Promise<string[]> {
  await instance.postSecret("/destinations/chat/pause", {});
  await instance.postSecret("/identify", { identity: { email: "ada@acme.example", user_id: "<b>7</b>" } });
  await instance.postSecret(
    "/track",
    Array.from({ length: 3 }, () => ({ event: "step", email: "ada@acme.example" })),
  );
  const rows = instance.rows<{ body: string }>("select body from delivery order by delivery_id");
  return rows.map(({ body }) => String(JSON.parse(body)));
}

const pathOf = (link: string | undefined): string => link?.slice(PUBLIC_URL.length) ?? "";

test("the link of a message shows why, without a key, in numbers that add up, and nothing unescaped", async () => {
  await using instance = startInstance({ intent });
  const links = await linksAfterCrossing(instance);
  expect(links.every((link) => link.startsWith(`${PUBLIC_URL}/`))).toBe(true);
  const person = await instance.get(pathOf(links[0]));
  expect(person.status).toBe(200);
  expect(person.headers.get("content-type")).toStartWith("text/html");
  expect(person.headers.get("content-security-policy")).toContain("default-src 'none'");
  expect(person.headers.get("cache-control")).toBe("private, no-store");
  expect(person.text).toContain("ada@acme.example");
  expect(person.text).toContain("&lt;b&gt;7&lt;/b&gt;");
  expect(person.text).not.toContain("<b>7");
  expect(person.text).toContain('<td class="number">30.00</td>');
  const account = await instance.get(pathOf(links[1]));
  expect(account.status).toBe(200);
  expect(account.text).toContain("<h1>acme.example</h1>");
});

test("a link opens its own page for thirty days, and nothing else", async () => {
  await using instance = startInstance({ intent });
  const [personLink, accountLink] = (await linksAfterCrossing(instance)).map(pathOf);
  const [personPath, proof] = personLink?.split("?") ?? [];
  const later = proof?.replace(/expires=\d+/, `expires=${instance.clock.nowMs + 900 * DAY_MS}`);
  const table: [what: string, path: string, status: number][] = [
    ["as it came", `${personPath}?${proof}`, 200],
    ["another page", `/accounts/acme.example/explanation?${proof}`, 403],
    ["a page of the API", `/people/ada@acme.example/explain?${proof}`, 401],
    ["a later end", `${personPath}?${later}`, 403],
    ["no signature", `${personPath}`, 401],
    ["half of it", `${personPath}?${proof?.slice(0, -4)}`, 403],
    ["an empty one", `${personPath}?expires=&signature=`, 403],
    ["no end", `${personPath}?${proof?.replace(/expires=\d+&/, "")}`, 403],
    ["what nobody knows", `${personPath}?${proof}&x=1`, 422],
  ];
  for (const [what, path, status] of table) expect([what, (await instance.get(path)).status]).toEqual([what, status]);
  expect((await instance.get(personPath ?? "", withSecret)).status).toBe(200);
  instance.clock.nowMs += 30 * DAY_MS;
  expect((await instance.get(accountLink ?? "")).status).toBe(200);
  instance.clock.nowMs += 1;
  const { status, body } = await instance.get(accountLink ?? "");
  expect([status, body.error.field]).toEqual([403, "expires"]);
});
