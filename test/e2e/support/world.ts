import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { ensureProgram } from "../../support/program.ts";
import { startGate } from "./gate.ts";
import { startPages } from "./pages.ts";
import { type StoredEvent, startServer } from "./server.ts";

export const executablePath = "/usr/bin/chromium";
const patienceMs = 15_000;
const pollMs = 25;
export const flags = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
// A visitor of flesh and blood has neither the flag nor the word in the name.
export const human = "--disable-blink-features=AutomationControlled";
export const userAgent =
  "Mozilla/5.0 (X11; Linux x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36";

export async function until<Result>(what: string, check: () => Result | Promise<Result>, waitMs = patienceMs) {
  const endMs = performance.now() + waitMs;
  for (;;) {
    const result = await check();
    if (result) return result as Exclude<Result, false | undefined | null | 0>;
    if (performance.now() > endMs) throw new Error(`waited in vain: ${what}`);
    await Bun.sleep(pollMs);
  }
}

export function launch(options: { bot?: boolean; args?: string[]; keepBfcache?: boolean } = {}): Promise<Browser> {
  ensureProgram("chromium");
  return chromium.launch({
    executablePath,
    // By flag, because what is sent while a page goes away does not know the name that a driver gives to a page.
    args: [...flags, `--user-agent=${userAgent}`, ...(options.bot ? [] : [human]), ...(options.args ?? [])],
    ignoreDefaultArgs: options.keepBfcache ? ["--disable-back-forward-cache"] : [],
  });
}

export type Visitor = {
  context: BrowserContext;
  page: Page;
  id: () => Promise<string>;
  events: (name?: string) => StoredEvent[];
};

/** One server, a gate before it, pages around it and a browser: started once per file. */
export async function createWorld(options: Parameters<typeof launch>[0] & { intent?: object } = {}) {
  const folder = await mkdtemp(join(tmpdir(), "do-intent-world-"));
  const config = join(folder, "intent.json");
  await Bun.write(config, JSON.stringify(options.intent ?? {}));
  const server = await startServer(["--config", config]);
  const gate = startGate(server.port);
  const pages = startPages();
  const browser = await launch(options);
  const contexts: BrowserContext[] = [];
  let paths = 0;

  // Same site, other origin, as it stands in real life: a sub-domain for the tracker.
  const site = `http://www.shop.localhost:${pages.port}`;
  const endpoint = `http://intent.shop.localhost:${gate.port}`;
  const tag = (attributes = "async", at = endpoint) => `<script ${attributes} src="${at}/s.js"></script>`;

  /** A page with the tracker, at a path of its own; returns its path. */
  function page(body = "", head = tag(), headers: Record<string, string> = {}): string {
    const path = `/p${++paths}`;
    pages.put(path, {
      html: `<!doctype html><html><head><title>page ${paths}</title>${head}</head><body>${body}</body></html>`,
      headers,
    });
    return path;
  }

  async function visitor(given: BrowserContextOptions = {}): Promise<Visitor> {
    const context = await browser.newContext({ userAgent, viewport: { width: 1000, height: 600 }, ...given });
    contexts.push(context);
    const opened = await context.newPage();
    // What happened before this visitor came belongs to another test.
    const before = new Set(server.events().map(({ event_id }) => event_id));
    return {
      context,
      page: opened,
      id: async () => `${await until("an id", () => opened.evaluate("doIntent.id?.()"))}`,
      events: (name) =>
        server.events().filter((event) => !before.has(event.event_id) && (name === undefined || event.name === name)),
    };
  }

  return {
    server,
    gate,
    pages,
    browser,
    site,
    endpoint,
    tag,
    page,
    visitor,
    async tidy() {
      for (const context of contexts.splice(0)) await context.close();
      gate.reset();
    },
    async close() {
      await browser.close();
      gate.close();
      pages.close();
      await server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export type World = Awaited<ReturnType<typeof createWorld>>;
