import { parseIntentConfig } from "../../src/config/intent.ts";
import { loadScript } from "../../src/features/tracker/routes.ts";
import { documentOf } from "../../src/http/document.ts";
import { startInstance } from "../support/instance.ts";

/** What stands for anything: a parameter of a route, or a word in capitals in a text. */
const ANY_SEGMENT = /^(?::\w+|[A-Z_]+)$/;
const WORDS = /\b(GET|HEAD|POST|PUT|DELETE)\b(,?)|(?<=[\s`(]|^)(\/[\w.:/|*-]*\w)/g;

/** Every route of the server with the topic it belongs to, in the form of `addressesIn`. */
export async function servedAddresses(): Promise<{ address: string; topic: string | undefined }[]> {
  const parsed = parseIntentConfig("{}");
  if (parsed.problems !== undefined) throw new Error(parsed.problems.join());
  await using house = startInstance({ script: await loadScript(parsed.config.tracker) });
  return house.app.routes
    .filter(({ method }) => method !== "OPTIONS")
    .map(({ method, path, hooks }) => ({
      address: `${method} ${normalPath(path)}`,
      topic: documentOf(hooks)?.topic,
    }));
}

/** The addresses that a text names: `GET, POST /keys`, `/destinations/NAME/test|pause`. A path has the methods before it. */
export function addressesIn(text: string): Set<string> {
  const addresses = new Set<string>();
  let methods: string[] = [];
  let isListing = false;
  for (const [, method, comma, path] of text.matchAll(WORDS)) {
    if (method !== undefined) {
      methods = isListing ? [...methods, method] : [method];
      isListing = comma === ",";
    } else if (path !== undefined) {
      for (const one of alternatives(path)) for (const said of methods) addresses.add(`${said} ${normalPath(one)}`);
    }
  }
  return addresses;
}

function alternatives(path: string): string[] {
  const [first = "", ...others] = path.split("|");
  const parent = first.slice(0, first.lastIndexOf("/") + 1);
  return [first, ...others.map((last) => parent + last)];
}

function normalPath(path: string): string {
  return path
    .split("/")
    .map((segment) => (ANY_SEGMENT.test(segment) ? ":" : segment))
    .join("/");
}
