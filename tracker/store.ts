import { attempt } from "./safe.ts";

export const idKey = "_di";
export const sessionKey = "_di.s";
/** Says, also to other tabs, that the visitor wants none of this; it outlives the erasing it asks for. */
export const stoppedKey = "_di.x";
/** The latest session whose origin was told on this host, and which that was. */
export const originKey = "_di.a";
const siteKey = "_di.d";

export const keptSeconds = 90 * 24 * 60 * 60;

/** Where the browser refuses storage, what we know lives as long as the page. */
export const stored: Record<string, string> = attempt(() => localStorage) ?? {};

/** What names a person is nobody's business on a shared computer: it is held by this page only, and ends with it. */
export const held: Record<string, string> = {};

export const read = (key: string): string => held[key] ?? stored[key] ?? "";

export function write(key: string, value: string | number, into = stored): void {
  attempt(() => {
    into[key] = value as string;
  });
}

export function forget(key: string): void {
  delete stored[key];
  delete held[key];
}

/** Sorted, so that what was written under time-ordered names comes back in order. */
export const keys = (prefix: string): string[] =>
  [stored, held]
    .flatMap(Object.keys as (record: object) => string[])
    .filter((key) => key.startsWith(prefix))
    .sort();

export const cookie = (name: string): string | undefined =>
  attempt(() => document.cookie.match(`\\b${name}=([\\w.-]+)`)?.[1]);

/** Nothing for a value takes it away. */
function setCookie(name: string, value: string | 0, domain = site()): void {
  attempt(() => {
    // biome-ignore lint/suspicious/noDocumentCookie: the Cookie Store API is asynchronous, too late for a closing page
    document.cookie = `${name}=${value};path=/;max-age=${value && keptSeconds};samesite=lax;domain=${domain};${location.protocol === "https:" && "secure"}`;
  });
}

/** Kept twice, because people and browsers delete the one or the other; the cookie is shared with sub-domains. */
export function keep(key: string, value: string): void {
  write(key, value);
  setCookie(key, value);
}

/** The domain that this page shares with its sub-domains. */
export const site = (): string => stored[siteKey] ?? findSite();

/**
 * Takes the widest domain that takes a cookie: the browser knows the public suffixes, so that we need no list. Not before
 * it is needed, and then kept: a cookie that is read right after it was written makes the page wait for another process.
 */
function findSite(): string {
  const labels = location.hostname.split(".");
  for (;;) {
    // Nothing is shared under a single label, so it begins with two, and takes one more each time.
    const domain = labels.splice(-2).join(".");
    labels.push(domain);
    setCookie(siteKey, domain, domain);
    if (cookie(siteKey) || !labels[1]) {
      setCookie(siteKey, 0, domain);
      write(siteKey, domain);
      return domain;
    }
  }
}

export function eraseAll(): void {
  // Before it is forgotten, because cookies can only be taken away where they are.
  const domain = site();
  for (const key of [idKey, sessionKey, ...keys("_di.")]) {
    if (key === stoppedKey) continue;
    forget(key);
    setCookie(key, 0, domain);
  }
}
