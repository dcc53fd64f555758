/** A list of people who were written to, as far as its links go. */
export type Campaign = {
  /** The name as it stands in addresses. */
  slug: string;
  name: string;
  baseUrl: string;
  /** A path on it, with a query of its own where it has one. */
  landing: string;
  /** Parameter to value, such as utm_source. */
  utm: Utm;
};

export type Utm = { readonly [parameter: string]: string };

export const UTM_PARAMETERS = [
  "utm_source",
  "utm_medium",
  "utm_campaign",
  "utm_term",
  "utm_content",
  "utm_id",
] as const;

/** The parameter in which a link says whose it is; the tracker takes it out of the address bar. */
export const LINK_PARAMETER = "i";

const SLUG_LENGTH_MAX = 64;

/** The name as it can stand in an address, or null when nothing of it can. */
export function slugOf(name: string): string | null {
  const slug = name
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .slice(0, SLUG_LENGTH_MAX)
    .replace(/^-+|-+$/g, "");
  return slug === "" ? null : slug;
}

/** Why the page cannot be the one that links lead to, or null. It stays below the base address, whatever stands in it. */
export function landingProblem({ baseUrl, landing }: Pick<Campaign, "baseUrl" | "landing">): string | null {
  if (!landing.startsWith("/") || /^\/[/\\]/.test(landing)) return "must be a path that begins with a single slash";
  if (!URL.canParse(baseUrl + landing)) return "makes no address with the base address";
  const url = new URL(baseUrl + landing);
  if (url.origin !== new URL(baseUrl).origin) return "must stay on the base address";
  if (url.searchParams.has(LINK_PARAMETER))
    return `must not use the parameter ${LINK_PARAMETER}, which says whose link it is`;
  return null;
}

/**
 * Where a campaign's links end: the landing page, its own query first, then whose link it is and the parameters that
 * the page does not say itself. Made once per campaign, since a list has many leads.
 */
export function landingUrls({ slug, baseUrl, landing, utm }: Campaign): (linkId: string) => string {
  const url = new URL(baseUrl + landing);
  const before = `${url.origin}${url.pathname}${url.search}${url.search === "" ? "?" : "&"}`;
  const added = Object.entries({ utm_campaign: slug, ...utm })
    .filter(([parameter]) => !url.searchParams.has(parameter))
    .map(([parameter, value]) => `&${parameter}=${encodeURIComponent(value)}`)
    .join("");
  return (linkId) => `${before}${LINK_PARAMETER}=${encodeURIComponent(linkId)}${added}${url.hash}`;
}

/** The redirecting form of a link; `publicUrl` is where this server is reached. */
export function redirectUrl(publicUrl: string, slug: string, linkId: string): string {
  return `${publicUrl}/c/${slug}/${encodeURIComponent(linkId)}`;
}
