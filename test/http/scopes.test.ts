import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { parseIntentConfig } from "../../src/config/intent.ts";
import { loadScript } from "../../src/features/tracker/routes.ts";
import { type Access, documentOf } from "../../src/http/document.ts";
import { SCOPES } from "../../src/http/keys.ts";
import { signPath } from "../../src/http/signed-link.ts";
import { type Answer, startInstance, type TestInstance, withSecret } from "../support/instance.ts";

// A house that shows which routes there are; the tests are made of what each says of itself.
const plan = startInstance({ script: await script() });
const routes = plan.app.routes.flatMap(({ method, path, hooks }) => {
  const document = documentOf(hooks);
  return document === null ? [] : [{ address: `${method} ${path}`, method, path, access: document.access }];
});
await plan[Symbol.asyncDispose]();

const opened = (...accesses: Access[]) => routes.filter(({ access }) => accesses.includes(access));

let house: TestInstance;
const keys = new Map<string, string>();

beforeAll(async () => {
  const magnets = [{ slug: "guide", title: "Guide", url: "https://files.example/guide.pdf" }];
  house = startInstance({ script: await script(), intent: { magnets } });
  for (const scope of SCOPES) {
    const { body } = await house.postSecret<{ key: string }>("/keys", { name: `only ${scope}`, scopes: [scope] });
    keys.set(scope, body.key);
  }
  await house.postSecret("/identify", { anonymous_id: "visitor-1", identity: { email: "ada@acme.com" } });
});
afterAll(() => house[Symbol.asyncDispose]());

const bearer = (key: string | undefined) => ({ authorization: `Bearer ${key}` });

async function ask(method: string, path: string, headers = {}): Promise<Pick<Answer, "status" | "text">> {
  const body = method === "POST" ? "{}" : null;
  const response = await house.app.handle(new Request(`http://localhost${path}`, { method, headers, body }));
  return { status: response.status, text: await response.text() };
}

/** Somebody, something or nobody: who may not ask must not learn which. */
const filled = (path: string): string => path.replaceAll(/:\w+/g, "x");

describe("what needs a key", () => {
  test("is most of it", () => {
    expect(opened("read").length).toBeGreaterThan(15);
    expect(opened("admin").length).toBeGreaterThan(12);
  });

  test.each(opened("read", "admin", "ingest"))("$address ($access) is opened by that scope alone", async (route) => {
    const { method, access } = route;
    const path = filled(route.path);
    expect((await ask(method, path)).status).toBe(401);
    expect((await ask(method, path, bearer("sk_wrong"))).status).toBe(401);
    expect((await ask(method, path, bearer(house.keys.writeKey))).status).toBe(401);
    for (const other of SCOPES.filter((scope) => scope !== access)) {
      const { status, text } = await ask(method, path, bearer(keys.get(other)));
      expect([other, status]).toEqual([other, 403]);
      expect(text).toContain(`lacks the scope ${access};`);
    }
    expect([401, 403]).not.toContain((await ask(method, path, bearer(keys.get(access)))).status);
  });

  test.each(opened("read").filter(({ method }) => method === "GET"))("HEAD of $path too", async ({ path }) => {
    expect((await ask("HEAD", filled(path))).status).toBe(401);
  });

  test("reading takes read, changing takes admin", () => {
    const kept = ["GET /suppressions", "GET /audit", "GET /keys", "POST /config/try"];
    const others = opened("read", "admin").filter(({ address }) => !kept.includes(address));
    for (const { address, method, access } of others) {
      expect([address, access]).toEqual([address, method === "GET" ? "read" : "admin"]);
    }
  });
});

test.each(opened("public"))("$address is open to all", async ({ method, path }) => {
  expect([401, 403]).not.toContain((await ask(method, filled(path))).status);
});

describe("what a signed link opens", () => {
  const real: { [address: string]: { path: string; status: number } } = {
    "GET /people/:id/explanation": { path: "/people/ada@acme.com/explanation", status: 200 },
    "GET /accounts/:domain/explanation": { path: "/accounts/acme.com/explanation", status: 200 },
    "GET /m/:slug/thanks/:granted": { path: "/m/guide/thanks/10", status: 200 },
    "GET /m/:slug/file": { path: "/m/guide/file", status: 302 },
  };
  const signed = opened("signed link", "signed link or read");

  test("is known here", () => {
    expect(signed.map(({ address }) => address).sort()).toEqual(Object.keys(real).sort());
  });

  test.each(signed)("$address is opened by its own link alone", async ({ address, method }) => {
    const { path, status } = real[address] ?? { path: "", status: 0 };
    const hourMs = 3_600_000;
    const link = signPath(secretOf(house), path, house.clock.nowMs + hourMs);
    expect((await ask(method, link)).status).toBe(status);

    const refused = [401, 403, 404];
    expect(refused).toContain((await ask(method, path)).status);
    const another = signPath(secretOf(house), `${path}x`, house.clock.nowMs + hourMs).replace(`${path}x?`, `${path}?`);
    const later = link.replace(/expires=\d+/, `expires=${house.clock.nowMs + 2 * hourMs}`);
    const wrong = [`${link.slice(0, -1)}${link.endsWith("A") ? "B" : "A"}`, `${path}?signature=x`, another, later];
    for (const address of wrong)
      expect([address, refused.includes((await ask(method, address)).status)]).toEqual([address, true]);
    const old = signPath(secretOf(house), path, house.clock.nowMs - 1);
    expect([403, 410]).toContain((await ask(method, old)).status);
  });

  test.each(opened("signed link or read"))(
    "$address is opened by a key that may read as well",
    async ({ address, method }) => {
      const { path = "" } = real[address] ?? {};
      expect((await ask(method, path, bearer(keys.get("read")))).status).toBe(200);
      expect((await ask(method, path, bearer("sk_wrong"))).status).toBe(401);
      for (const other of ["ingest", "admin"])
        expect((await ask(method, path, bearer(keys.get(other)))).status).toBe(403);
    },
  );

  test.each(opened("signed link"))("$address is not opened by a key", async ({ address, method }) => {
    const { path = "" } = real[address] ?? {};
    expect((await ask(method, path, withSecret)).status).toBe(404);
  });
});

function secretOf({ rows }: TestInstance): Buffer {
  const [row] = rows<{ secret: string }>("select secret from instance_secret");
  return Buffer.from(row?.secret ?? "", "hex");
}

async function script() {
  const parsed = parseIntentConfig("{}");
  if (parsed.problems !== undefined) throw new Error(parsed.problems.join());
  return loadScript(parsed.config.tracker);
}
