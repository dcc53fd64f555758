import { accountDomainOf } from "./account.ts";
import type { Circumstances } from "./circumstances.ts";
import type { Account, Identity, Person, State } from "./state.ts";

/**
 * The account of the first business e-mail, a verified one before others; null when the person's own stays. An account
 * that rests on a browser's word alone gives way to a verified one.
 */
export function accountFor(
  state: State,
  person: Person,
  identities: readonly Identity[],
  { nowMs, mintId }: Circumstances,
): Account | null {
  const businesses = identities.flatMap(({ kind, value, isVerified }) => {
    const domain = kind === "email" ? accountDomainOf(value) : null;
    return domain === null
      ? []
      : [{ domain, isVerified, isOwn: state.accounts.get(domain)?.accountId === person.accountId }];
  });
  const verified = businesses.filter(({ isVerified }) => isVerified);
  if (person.accountId !== null && (verified.length === 0 || verified.some(({ isOwn }) => isOwn))) return null;
  const [best] = verified.length > 0 ? verified : businesses;
  if (best === undefined) return null;
  return state.accounts.get(best.domain) ?? { accountId: mintId(), domain: best.domain, createdMs: nowMs };
}
