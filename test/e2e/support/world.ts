import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { ensureProgram } from "../../support/program.ts";
import { executablePath, flags, human, userAgent } from "./chromium.ts";
import type { StoredEvent } from "./server.ts";
import { createSurroundings } from "./surroundings.ts";
import { until } from "./until.ts";

export { until, userAgent };

export function launch(options: { bot?: boolean; args?: string[] } = {}): Promise<Browser> {
  ensureProgram("chromium");
  return chromium.launch({
    executablePath,
    // By flag, because what is sent while a page goes away does not know the name that a driver gives to a page.
    args: [...flags, `--user-agent=${userAgent}`, ...(options.bot ? [] : [human]), ...(options.args ?? [])],
  });
}

export type Visitor = {
  context: BrowserContext;
  page: Page;
  id: () => Promise<string>;
  events: (name?: string) => StoredEvent[];
};

/** All that stands around a browser, and a browser under playwright's hand: started once per file. */
export async function createWorld(options: Parameters<typeof launch>[0] & { intent?: object } = {}) {
  const surroundings = await createSurroundings(options.intent);
  const browser = await launch(options);
  const contexts: BrowserContext[] = [];

  return {
    ...surroundings,
    browser,
    async visitor(given: BrowserContextOptions = {}): Promise<Visitor> {
      const context = await browser.newContext({ userAgent, viewport: { width: 1000, height: 600 }, ...given });
      contexts.push(context);
      const opened = await context.newPage();
      return {
        context,
        page: opened,
        id: async () => `${await until("an id", () => opened.evaluate("doIntent.id?.()"))}`,
        events: surroundings.watch(),
      };
    },
    async tidy() {
      for (const context of contexts.splice(0)) await context.close();
      surroundings.gate.reset();
    },
    async close() {
      await browser.close();
      await surroundings.close();
    },
  };
}

export type World = Awaited<ReturnType<typeof createWorld>>;
