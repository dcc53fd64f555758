import { isStrong } from "../../core/identifier.ts";
import type { Identity } from "../../core/state.ts";
import type { Traits } from "../../core/traits.ts";
import { hashEmail } from "../../http/hash-email.ts";
import type { StoredPerson } from "../../store/sqlite/people.ts";
import { emailColumn, type ViewRow } from "./view.ts";

export const KNOWN_COLUMNS = ["name", "company", "title"] as const;

export function isKnown(identities: readonly Identity[]): boolean {
  return identities.some(({ kind }) => isStrong(kind));
}

/** Who somebody is, as far as it is known. */
export function knownOf({ traits, domain }: StoredPerson, identities: readonly Identity[], isHashed: boolean): ViewRow {
  const email = identities.find(({ kind }) => kind === "email")?.value ?? null;
  return {
    [emailColumn(isHashed)]: email !== null && isHashed ? hashEmail(email) : email,
    name: textOf(traits, "name") ?? fullNameOf(traits),
    company: textOf(traits, "company") ?? domain,
    title: textOf(traits, "title"),
  };
}

function fullNameOf(traits: Traits): string | null {
  const parts = [textOf(traits, "first_name"), textOf(traits, "last_name")].filter((part) => part !== null);
  return parts.length === 0 ? null : parts.join(" ");
}

function textOf(traits: Traits, trait: string): string | null {
  const value = Object.hasOwn(traits, trait) ? traits[trait] : undefined;
  return typeof value === "string" && value.trim() !== "" ? value : null;
}
