import { normalizeIdentifier } from "./identifier.ts";
import type { Json } from "./json.ts";
import type { Traits } from "./traits.ts";

/** What columns are called in the lists that people have, folded: lower case, letters and digits only. The first wins. */
const EMAIL_NAMES =
  "email emailaddress workemail businessemail corporateemail companyemail professionalemail primaryemail mainemail contactemail leademail useremail emailid emailwork workemailaddress businessemailaddress primaryemailaddress mail mailaddress personalemail emails".split(
    " ",
  );

const TRAIT_NAMES: { readonly [trait: string]: string } = {
  first_name: "firstname first fname givenname forename contactfirstname leadfirstname",
  last_name: "lastname last lname surname familyname contactlastname leadlastname",
  name: "name fullname contactname leadname contact personname displayname",
  company:
    "company companyname organization organisation organizationname organisationname org account accountname employer employername business businessname companyaccount",
  title: "title jobtitle position jobposition role jobrole designation",
  phone: "phone phonenumber mobile mobilephone mobilenumber telephone tel workphone directphone phone1",
};

const TRAIT_BY_NAME: ReadonlyMap<string, string> = new Map(
  Object.entries(TRAIT_NAMES).flatMap(([trait, names]) => names.split(" ").map((name) => [name, trait] as const)),
);

/** What a list says of somebody is for rules and pages to look at; the export keeps the rest. */
const LEAD_TRAITS_MAX = 50;
const TRAIT_NAME_LENGTH_MAX = 64;
const TRAIT_LENGTH_MAX = 500;

/** An address that was copied with its link; what follows its question mark is of the letter. */
const MAILTO_PATTERN = /^[\s\p{Default_Ignorable_Code_Point}\p{Cf}]*mailto:([^?]*)(\?.*)?$/isu;

export type LeadColumns = {
  /** The columns that hold e-mail addresses, the likeliest first. */
  emails: readonly number[];
  traits: readonly { column: number; trait: string }[];
};

/** What the columns of a list are for, by their names; null when none holds e-mail addresses. */
export function leadColumnsOf(header: readonly string[]): LeadColumns | null {
  const folded = header.map(fold);
  const emails = EMAIL_NAMES.flatMap((name) => folded.flatMap((column, index) => (column === name ? [index] : [])));
  if (emails.length === 0) return null;
  const traits = folded.flatMap((name, column) => {
    if (emails.includes(column)) return [];
    const trait = TRAIT_BY_NAME.get(name) ?? snakeCase(header[column] ?? "");
    return trait === "" ? [] : [{ column, trait }];
  });
  return { emails, traits };
}

/** A header that is none, because the list begins with a lead. */
export function isLead(cells: readonly string[]): boolean {
  return cells.some((cell) => cell.includes("@") && normalizeIdentifier("email", cell).value !== undefined);
}

/** The address of a row in the form it is compared in, or why there is none. */
export function emailOf(
  cells: readonly string[],
  { emails }: LeadColumns,
): { email: string; problem?: never } | { email?: never; problem: string } {
  let problem: string | null = null;
  for (const column of emails) {
    const cell = (cells[column] ?? "").replace(MAILTO_PATTERN, "$1").trim();
    if (cell === "") continue;
    const normalized = normalizeIdentifier("email", cell);
    if (normalized.value !== undefined) return { email: normalized.value };
    problem ??= `the e-mail address ${normalized.problem}`;
  }
  return { problem: problem ?? "there is no e-mail address" };
}

/** What a row says of the lead, in the words of the rest of the product; a full name and its parts follow from each other. */
export function leadTraitsOf(cells: readonly string[], { traits }: LeadColumns): Traits {
  const said: { [trait: string]: Json } = {};
  let count = 0;
  for (const { column, trait } of traits) {
    const value = (cells[column] ?? "").trim();
    if (value === "" || value.length > TRAIT_LENGTH_MAX || count >= LEAD_TRAITS_MAX || Object.hasOwn(said, trait))
      continue;
    said[trait] = value;
    count += 1;
  }
  return withNames(said);
}

function withNames(said: { [trait: string]: Json }): Traits {
  const { first_name: first, last_name: last, name } = said;
  if (name === undefined && (first !== undefined || last !== undefined)) {
    return { ...said, name: [first, last].filter((part) => part !== undefined).join(" ") };
  }
  if (typeof name !== "string" || first !== undefined || last !== undefined) return said;
  const [family, given] = name.split(/\s*,\s*/);
  if (given !== undefined && family !== undefined && given !== "" && family !== "")
    return { ...said, name: `${given} ${family}`, first_name: given, last_name: family };
  const [head = "", ...rest] = name.split(/\s+/);
  return { ...said, first_name: head, ...(rest.length === 0 ? {} : { last_name: rest.join(" ") }) };
}

function fold(name: string): string {
  return name
    .normalize("NFKC")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, "");
}

/** "LinkedIn URL" as linkedin_url; what a plain object already has is no name for a trait. */
function snakeCase(name: string): string {
  const snake = name
    .normalize("NFKC")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, "_")
    .replace(/^_+|_+$/g, "")
    .slice(0, TRAIT_NAME_LENGTH_MAX);
  return snake === "constructor" || snake === "proto" ? "" : snake;
}
