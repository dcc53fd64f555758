import { attempt } from "./safe.ts";

export const idKey = "_di";
export const sessionKey = "_di.s";
/** Says, also to other tabs, that the visitor wants none of this; it outlives the erasing it asks for. */
export const stoppedKey = "_di.x";
const probeKey = "_di.p";

export const keptSeconds = 90 * 24 * 60 * 60;

/** Where the browser refuses storage, what we know lives as long as the page. */
export const stored: Record<string, string> = attempt(() => localStorage) ?? {};

/** The domain that this page shares with its sub-domains. */
export let site = "";

export function write(key: string, value: string): void {
  attempt(() => {
    stored[key] = value;
  });
}

export function forget(key: string): void {
  delete stored[key];
}

/** Sorted, so that what was written under time-ordered names comes back in order. */
export const keys = (prefix: string): string[] =>
  Object.keys(stored)
    .filter((key) => key.startsWith(prefix))
    .sort();

export const cookie = (name: string): string | undefined =>
  attempt(() => document.cookie.match(`\\b${name}=([\\w.-]+)`)?.[1]);

function setCookie(name: string, value: string, maxAgeSeconds = keptSeconds): void {
  const secure = location.protocol === "https:" && "secure";
  attempt(() => {
    // biome-ignore lint/suspicious/noDocumentCookie: the Cookie Store API is asynchronous, too late for a closing page
    document.cookie = `${name}=${value};path=/;max-age=${maxAgeSeconds};samesite=lax;domain=${site};${secure}`;
  });
}

/** Kept twice, because people and browsers delete the one or the other; the cookie is shared with sub-domains. */
export function keep(key: string, value: string): void {
  write(key, value);
  setCookie(key, value);
}

/** Takes the widest domain that takes a cookie: the browser knows the public suffixes, so that we need no list. */
export function findSite(): void {
  const labels = location.hostname.split(".");
  // Nothing is shared under a single label, so it begins with two, and takes one more each time.
  do {
    site = labels.splice(-2).join(".");
    labels.push(site);
    setCookie(probeKey, "1", 9);
  } while (!cookie(probeKey) && labels[1]);
  setCookie(probeKey, "", 0);
}

export function eraseAll(): void {
  findSite();
  for (const key of keys(idKey)) if (/^_di(\.[^x]|$)/.test(key)) forget(key);
  for (const name of [idKey, sessionKey]) setCookie(name, "", 0);
}
