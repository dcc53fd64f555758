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
  const patterns = globs.map((glob) => {
    const source = glob
      .split("*")
      .map((literal) => literal.replace(/[.+?^${}()|[\]\\]/g, "\\$&"))
      .join(".*");
    return { onPath: glob.startsWith("/"), pattern: new RegExp(`^${source}$`, "i") };
  });
  return (place) => patterns.some(({ onPath, pattern }) => pattern.test(onPath ? place.path : place.host + place.path));
}
