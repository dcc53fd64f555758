import { beforeAll, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { parseIntentConfig } from "../../../src/config/intent.ts";
import { loadScript, trackerRoutes } from "../../../src/features/tracker/routes.ts";
import { snippetText } from "../../../src/features/tracker/snippet.ts";

type App = ReturnType<typeof trackerRoutes>;

async function appOf(tracker: object): Promise<App> {
  const parsed = parseIntentConfig(JSON.stringify({ tracker }));
  if (parsed.problems !== undefined) throw new Error(parsed.problems.join());
  return trackerRoutes(await loadScript(parsed.config.tracker));
}

const get = (app: App, path: string, headers: Record<string, string> = {}) =>
  app.handle(new Request(`http://localhost${path}`, { headers }));

let app: App;
beforeAll(async () => {
  app = await appOf({});
});

describe("the tracker's files", () => {
  test.each([
    { path: "/s.js", type: "text/javascript; charset=utf-8" },
    { path: "/t.js", type: "text/javascript; charset=utf-8" },
    { path: "/s/observe.js", type: "text/javascript; charset=utf-8" },
    { path: "/s/personalize.js", type: "text/javascript; charset=utf-8" },
    { path: "/s/magnet.js", type: "text/javascript; charset=utf-8" },
    { path: "/s.mjs", type: "text/javascript; charset=utf-8" },
    { path: "/s.d.ts", type: "text/plain; charset=utf-8" },
  ])("$path comes in every encoding, for every page, and once", async ({ path, type }) => {
    const plain = await get(app, path);
    const text = await plain.text();
    expect(plain.headers.get("content-type")).toBe(type);
    expect(plain.headers.get("content-encoding")).toBeNull();
    expect(plain.headers.get("cache-control")).toContain("max-age=3600");
    expect(plain.headers.get("access-control-allow-origin")).toBe("*");
    const br = await get(app, path, { "accept-encoding": "gzip, deflate, br, zstd" });
    expect(br.headers.get("content-encoding")).toBe("br");
    expect(brotliDecompressSync(await br.arrayBuffer()).toString()).toBe(text);
    const gzip = await get(app, path, { "accept-encoding": "gzip" });
    expect(gzip.headers.get("content-encoding")).toBe("gzip");
    expect(gunzipSync(await gzip.arrayBuffer()).toString()).toBe(text);
    const again = await get(app, path, { "if-none-match": `W/${plain.headers.get("etag")}` });
    expect([again.status, await again.text()]).toEqual([304, ""]);
  });

  test("names and honoured signals are those of the config, in every encoding", async () => {
    const other = await appOf({
      paths: { script: ["/main.js"], events: "/in" },
      honour: { do_not_track: false },
    });
    expect((await get(other, "/s.js")).status).toBe(404);
    const text = await (await get(other, "/main.js")).text();
    expect(text).toContain('[src*="/main.js"] /in /identify globalPrivacyControl');
    const br = await get(other, "/main.js", { "accept-encoding": "br" });
    expect(brotliDecompressSync(await br.arrayBuffer()).toString()).toBe(text);
    const gzip = await get(other, "/main.js", { "accept-encoding": "gzip" });
    expect(gunzipSync(await gzip.arrayBuffer()).toString()).toBe(text);
  });

  test.each([
    { script: ["s.js"] },
    { script: ["/s.js?x"] },
    { script: ["/deep/s.js"] },
    { script: [] },
    { events: "v1" },
    { events: "/v1/e e" },
  ])("a path that is none is refused: %p", (paths) => {
    expect(parseIntentConfig(JSON.stringify({ tracker: { paths } })).problems).toBeDefined();
  });
});

describe("the snippet", () => {
  test("names every place people paste it, with the script's address, its key and its integrity", async () => {
    const parsed = parseIntentConfig("{}");
    if (parsed.problems !== undefined) throw new Error(parsed.problems.join());
    const { files } = await loadScript(parsed.config.tracker);
    const integrity = files[0]?.integrity ?? "";
    const text = snippetText({ url: "https://in.acme.com", scriptPath: "/s.js", integrity, writeKey: "wk_1" });
    for (const place of ["Plain HTML", "Google Tag Manager", "WordPress", "Next.js", "Shopify"]) {
      expect(text).toContain(place);
    }
    expect(text).toContain('<script async src="https://in.acme.com/s.js" data-key="wk_1"></script>');
    const served = await (await get(app, "/s.js")).bytes();
    expect(integrity).toBe(`sha384-${createHash("sha384").update(served).digest("base64")}`);
    expect(text).toContain(`integrity="${integrity}" crossorigin="anonymous"`);
  });

  test("its stub keeps calls in order until the script comes", () => {
    const text = snippetText({ url: "https://in.acme.com", scriptPath: "/s.js", integrity: "", writeKey: null });
    const [, stub = ""] = /<script>(!function.*)<\/script>/.exec(text) ?? [];
    type Stub = {
      q: [string, ArrayLike<unknown>][];
      track(...given: unknown[]): void;
      identify(...given: unknown[]): void;
    };
    const page: { doIntent?: Stub } = {};
    new Function("window", stub)(page);
    page.doIntent?.track("a", { n: 1 });
    page.doIntent?.identify({ email: "a@b.example" });
    expect(page.doIntent?.q.map(([name, given]) => [name, Array.from(given)])).toEqual([
      ["track", ["a", { n: 1 }]],
      ["identify", [{ email: "a@b.example" }]],
    ]);
  });
});
