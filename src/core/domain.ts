import type * as Tldts from "tldts";

type Lists = { domains: typeof Tldts; freeMail: ReadonlySet<string> };

let lists: Lists | null = null;

/**
 * Lists of many thousand domains, kept by others. They are made when the first domain is looked at: that takes two
 * milliseconds then, and with everything else of a start ten, since so much at once is more than its memory is laid out for.
 */
function known(): Lists {
  lists ??= { domains: require("tldts"), freeMail: new Set(require("email-providers/all.json")) };
  return lists;
}

/** The domain that a company registers, such as acme.co.uk for www.acme.co.uk; null for what is below none, such as an IP. */
export function registrableDomainOf(host: string): string | null {
  const { domain, isIp } = known().domains.parse(host);
  return isIp ? null : domain;
}

/** What browsers share cookies under: below hosting domains such as github.io everybody stands alone. */
export function siteOf(host: string): string | null {
  return known().domains.getDomain(host, { allowPrivateDomains: true });
}

/** Whether anybody can have an address there. */
export function isFreeMail(domain: string): boolean {
  return known().freeMail.has(domain);
}
