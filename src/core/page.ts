export type Place = { host: string; path: string };

/** Host (lower case, without www.) and path of an absolute url or of a bare path; query and fragment are left out. */
export function placeOf(url: string): Place {
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

/** The form that globs are held against: they know no difference of case. */
export function foldedPlaceOf(url: string): Place {
  const { host, path } = placeOf(url);
  return { host, path: path.toLowerCase() };
}

/**
 * `*` stands for anything. A glob that starts with / is held against the path, any other against host and path of a
 * folded place.
 */
export function compileGlobs(globs: string[]): (place: Place) => boolean {
  const patterns = globs.map((glob) => ({ onPath: glob.startsWith("/"), literals: glob.toLowerCase().split("*") }));
  return ({ host, path }) =>
    patterns.some(({ onPath, literals }) => matchesGlob(literals, onPath ? path : host + path));
}

/** Each literal at the first place it fits: linear in a text that strangers send, which a regular expression is not. */
function matchesGlob(literals: readonly string[], text: string): boolean {
  const first = literals[0] ?? "";
  if (literals.length === 1) return text === first;
  if (!text.startsWith(first)) return false;
  const last = literals[literals.length - 1] ?? "";
  const end = text.length - last.length;
  let from = first.length;
  for (let index = 1; index < literals.length - 1; index += 1) {
    const literal = literals[index] ?? "";
    const found = text.indexOf(literal, from);
    if (found < 0) return false;
    from = found + literal.length;
  }
  return from <= end && text.endsWith(last);
}
