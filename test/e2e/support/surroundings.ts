import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startGate } from "./gate.ts";
import { startPages } from "./pages.ts";
import { type StoredEvent, startServer } from "./server.ts";

/** What stands around a browser: one server, a gate before it and pages with the tracker. */
export async function createSurroundings(intent: object = {}) {
  const folder = await mkdtemp(join(tmpdir(), "do-intent-world-"));
  const config = join(folder, "intent.json");
  await Bun.write(config, JSON.stringify(intent));
  const server = await startServer(["--config", config]);
  const gate = startGate(server.port);
  const pages = startPages();
  let paths = 0;

  // Same site, other origin, as it stands in real life: a sub-domain for the tracker.
  const site = `http://www.shop.localhost:${pages.port}`;
  const endpoint = `http://intent.shop.localhost:${gate.port}`;
  const tag = (attributes = "async", at = endpoint) => `<script ${attributes} src="${at}/s.js"></script>`;

  return {
    server,
    gate,
    pages,
    site,
    endpoint,
    tag,
    /** A page with the tracker, at a path of its own; returns its path. */
    page(body = "", head = tag(), headers: Record<string, string> = {}): string {
      const path = `/p${++paths}`;
      pages.put(path, {
        html: `<!doctype html><html><head><title>page ${paths}</title>${head}</head><body>${body}</body></html>`,
        headers,
      });
      return path;
    },
    /** Gives what is stored from now on; what happened before belongs to another test. */
    watch(): (name?: string) => StoredEvent[] {
      const before = new Set(server.events().map(({ event_id }) => event_id));
      return (name) =>
        server.events().filter((event) => !before.has(event.event_id) && (name === undefined || event.name === name));
    },
    async close() {
      gate.close();
      pages.close();
      await server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
