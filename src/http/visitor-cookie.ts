import { siteOf } from "../core/domain.ts";

const KEPT_S = 90 * 24 * 60 * 60;
const ID_PATTERN = /^[\w-]{8,64}$/;

/**
 * The cookie that keeps a browser's own id, or null. Set by a server it lasts where browsers shorten what scripts set.
 * Only for pages of our own site: elsewhere it would be a third party's.
 */
export function visitorCookie(headers: Headers, id: string | null): string | null {
  const origin = headers.get("origin");
  if (id === null || origin === null || !isSameSite(headers, origin) || !ID_PATTERN.test(id)) return null;
  const domain = sharedDomainOf(headers.get("host"));
  const scope = domain === null ? "" : `; Domain=${domain}`;
  const secure = origin.startsWith("https:") ? "; Secure" : "";
  return `_di=${id}; Path=/; Max-Age=${KEPT_S}; SameSite=Lax${scope}${secure}`;
}

/** Browsers say it themselves, but only to secure addresses. */
function isSameSite(headers: Headers, origin: string): boolean {
  const said = headers.get("sec-fetch-site");
  if (said !== null) return said === "same-origin" || said === "same-site";
  const host = headers.get("host");
  const page = /^https?:\/\/(.+)$/.exec(origin)?.[1] ?? null;
  return page !== null && (page === host || (siteOf(page) !== null && siteOf(page) === sharedDomainOf(host)));
}

/** Under which the browser keeps it for all our pages. */
function sharedDomainOf(host: string | null): string | null {
  return host === null ? null : siteOf(host);
}
