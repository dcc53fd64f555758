export type Route = { method: string; path: string };

/** The methods that an address takes, for who came with another one. */
export type MethodsAt = (url: string) => string[];

/** Looks through the routes when asked, since some are added late; it is asked only for what was not found. */
export function methodsAt(routes: () => readonly Route[]): MethodsAt {
  let known: { count: number; patterns: { method: string; pattern: RegExp }[] } = { count: -1, patterns: [] };
  return (url) => {
    const all = routes();
    if (all.length !== known.count) known = { count: all.length, patterns: all.flatMap(patternOf) };
    const path = pathOf(url);
    const methods = new Set(known.patterns.flatMap(({ method, pattern }) => (pattern.test(path) ? method : [])));
    if (methods.has("GET")) methods.add("HEAD");
    return [...methods].sort();
  };
}

/** Every address answers to OPTIONS, which browsers ask before they send. */
function patternOf({ method, path }: Route): { method: string; pattern: RegExp }[] {
  if (method === "OPTIONS") return [];
  const segments = path.split("/").map((segment) => {
    if (segment === "*") return ".*";
    return segment.startsWith(":") ? "[^/]+" : segment.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  });
  return [{ method, pattern: new RegExp(`^${segments.join("/")}/?$`) }];
}

function pathOf(url: string): string {
  const start = url.indexOf("/", url.indexOf("//") + 2);
  const end = url.slice(start).search(/[?#]/);
  return end < 0 ? url.slice(start) : url.slice(start, start + end);
}
