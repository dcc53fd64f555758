import { accountDomainOf } from "./account.ts";
import type { Identifier } from "./identifier.ts";
import type { Json } from "./json.ts";
import type { Traits } from "./traits.ts";

/** What an identify's event keeps: rules may ask of an e-mail address without the event holding the address itself. */
export function identifyProperties(claims: readonly Identifier[], traits: Traits): { [key: string]: Json } {
  const email = claims.find(({ kind }) => kind === "email");
  const ofEmail =
    email === undefined ? {} : { email_type: accountDomainOf(email.value) === null ? "free" : "business" };
  return { identifiers: claims.map(({ kind }) => kind), ...ofEmail, traits };
}
