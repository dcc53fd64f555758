import freeMailDomains from "email-providers/all.json" with { type: "json" };
import { parse } from "tldts";

const FREE_MAIL_DOMAINS: ReadonlySet<string> = new Set(freeMailDomains as string[]);

/** The company behind an e-mail address: its registrable domain, or null for free and disposable mail. */
export function accountDomainOf(email: string): string | null {
  const host = email.slice(email.lastIndexOf("@") + 1);
  if (FREE_MAIL_DOMAINS.has(host)) return null;
  const { domain, isIp } = parse(host);
  if (domain === null || isIp || FREE_MAIL_DOMAINS.has(domain)) return null;
  return domain;
}
