export type Route = { method: string; path: string };

type RoutePattern = Route & { pattern: RegExp };

/** What an address takes, for who came with another method, and the route it belongs to. */
export type AddressAt = (url: string) => { methods: string[]; path: string | null };

/** Looks through the routes when asked, since some are added late; it is asked only for what was not found. */
export function addressAt(routes: () => readonly Route[]): AddressAt {
  let known: { count: number; patterns: RoutePattern[] } = { count: -1, patterns: [] };
  return (url) => {
    const all = routes();
    if (all.length !== known.count) known = { count: all.length, patterns: all.flatMap(patternOf) };
    const path = pathOf(url);
    const matches = known.patterns.filter(({ pattern }) => pattern.test(path));
    const methods = new Set(matches.map(({ method }) => method));
    if (methods.has("GET")) methods.add("HEAD");
    return { methods: [...methods].sort(), path: matches[0]?.path ?? null };
  };
}

/** Every address answers to OPTIONS, which browsers ask before they send. */
function patternOf({ method, path }: Route): RoutePattern[] {
  if (method === "OPTIONS") return [];
  const segments = path.split("/").map((segment) => {
    if (segment === "*") return ".*";
    return segment.startsWith(":") ? "[^/]+" : segment.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  });
  return [{ method, path, pattern: new RegExp(`^${segments.join("/")}/?$`) }];
}

function pathOf(url: string): string {
  const start = url.indexOf("/", url.indexOf("//") + 2);
  const end = url.slice(start).search(/[?#]/);
  return end < 0 ? url.slice(start) : url.slice(start, start + end);
}
