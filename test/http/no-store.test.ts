import { expect, test } from "bun:test";
import { startInstance, withSecret } from "../support/instance.ts";

test("nothing that a key opens may be kept on the way, refusals included", async () => {
  await using instance = startInstance({ intent: { public_url: "https://intent.acme.example" } });
  const identity = { email: "ada@acme.com", user_id: "u-1" };
  await instance.postSecret("/identify", { anonymous_id: "one", identity });
  await instance.postSecret("/campaigns", { name: "spring", base_url: "https://acme.example", leads: [identity] });
  const ids: { readonly [route: string]: string } = { accounts: "acme.com", campaigns: "spring" };
  const paths = instance.app.routes
    .filter(({ method }) => method === "GET")
    .map(({ path }) => path.replace(/^\/(\w+)\/:\w+/, (_, noun) => `/${noun}/${ids[noun] ?? "u-1"}`))
    .filter((path) => !path.includes("*"));
  expect(paths).toEqual(expect.arrayContaining(["/people/u-1/export", "/accounts/acme.com", "/audit", "/keys"]));
  const kept: string[] = [];
  for (const path of paths) {
    const request = new Request(`http://localhost${path.replace(/:\w+/g, "u-1")}`, { headers: withSecret });
    const answer = await instance.app.handle(request);
    await answer.body?.cancel();
    if (!answer.headers.get("cache-control")?.includes("no-store")) kept.push(path);
  }
  // For the visitor's own browser, and for half a minute.
  expect(kept).toEqual(["/p"]);
});

test("without a key nothing is said of it", async () => {
  await using instance = startInstance();
  const answer = await instance.app.handle(new Request("http://localhost/people"));
  expect([answer.status, answer.headers.get("cache-control")]).toEqual([401, null]);
});
