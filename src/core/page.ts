/** Host (lower case, without www.) and path of an absolute url or of a bare path; query and fragment are left out. */
export function placeOf(url: string): { host: string; path: string } {
  let host = "";
  let rest = url;
  const scheme = url.indexOf("://");
  if (scheme > 0 && scheme < 10) {
    const slash = url.indexOf("/", scheme + 3);
    host = hostOnly(slash < 0 ? url.slice(scheme + 3) : url.slice(scheme + 3, slash));
    rest = slash < 0 ? "/" : url.slice(slash);
  }
  const end = rest.search(/[?#]/);
  return { host, path: (end < 0 ? rest : rest.slice(0, end)) || "/" };
}

function hostOnly(authority: string): string {
  const cut = authority.search(/[?#]/);
  const plain = (cut < 0 ? authority : authority.slice(0, cut)).toLowerCase();
  const withoutUser = plain.slice(plain.lastIndexOf("@") + 1).replace(/:\d+$/, "");
  return withoutUser.startsWith("www.") ? withoutUser.slice(4) : withoutUser;
}

/** `*` stands for anything. A glob that starts with / is held against the path, any other against host and path. */
export function compileGlobs(globs: string[]): (place: { host: string; path: string }) => boolean {
  const patterns = globs.map((glob) => ({ onPath: glob.startsWith("/"), literals: glob.toLowerCase().split("*") }));
  return ({ host, path }) => {
    const foldedPath = path.toLowerCase();
    return patterns.some(({ onPath, literals }) => matchesGlob(literals, onPath ? foldedPath : host + foldedPath));
  };
}

/** Each literal at the first place it fits: linear in a text that strangers send, which a regular expression is not. */
function matchesGlob(literals: readonly string[], text: string): boolean {
  const [first = "", ...others] = literals;
  const last = others.pop();
  if (last === undefined) return text === first;
  if (!text.startsWith(first) || !text.endsWith(last)) return false;
  let from = first.length;
  for (const literal of others) {
    const found = text.indexOf(literal, from);
    if (found < 0) return false;
    from = found + literal.length;
  }
  return from + last.length <= text.length;
}
