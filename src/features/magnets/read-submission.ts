import { z } from "zod";
import { accountDomainOf } from "../../core/account.ts";
import { AppError } from "../../core/error.ts";
import { type Identifier, normalizeIdentifier } from "../../core/identifier.ts";
import type { Json } from "../../core/json.ts";
import type { Magnet, MagnetField } from "../../core/magnet.ts";
import { parseJson } from "../../http/body.ts";

export const MAGNET_BYTES_MAX = 32 * 1024;
/** Room for a sentence or two; a trait is no letter. */
const ANSWER_LENGTH_MAX = 1_000;

const NO_FORM = "must be an object of the form's fields";

const valueSchema = z.union([z.string(), z.number(), z.boolean(), z.null()], {
  error: "must be a text, a number, true or false",
});

/** A form on the wire: what the magnet asks for by its fields' names, and what the page knows. */
export const formSchema = z
  .object(
    {
      email: valueSchema.optional().describe("always asked for; the magnet's other fields stand beside it"),
      started: valueSchema.optional().describe("as form.json brought it"),
      anonymous_id: valueSchema.optional(),
      session_id: valueSchema.optional(),
      url: valueSchema.optional(),
      referrer: valueSchema.optional(),
    },
    { error: NO_FORM },
  )
  .catchall(valueSchema);

type Value = z.infer<typeof valueSchema>;

/** A form as it was sent, every value a text; also what the form shows again when something is to be mended. */
export type Typed = { readonly [name: string]: string };

export type FieldErrors = { [name: string]: string };

/** What the fields come to: who it is, and what was answered. */
export type ReadForm = { email: string; claims: Identifier[]; answers: { [name: string]: Json } };

/** A browser's own form, or JSON from a script. */
export function readTyped(text: string, headers: Headers): Typed {
  const isJson = headers.get("content-type")?.includes("json") === true || /^\s*\{/.test(text);
  const entries = isJson ? Object.entries(valuesOf(parseJson(text))) : [...new URLSearchParams(text)];
  const typed: { [name: string]: string } = Object.create(null);
  for (const [name, value] of entries) if (!(name in typed)) typed[name] = textOf(value);
  return typed;
}

function valuesOf(body: unknown): { [name: string]: Value } {
  const parsed = formSchema.safeParse(body);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const field = issue?.path[0];
  throw new AppError("invalid", issue?.message ?? NO_FORM, field === undefined ? null : String(field).slice(0, 40));
}

function textOf(value: Value): string {
  return value === null ? "" : String(value).toWellFormed();
}

/** The form's answers, or what is to be mended in which field, in the magnet's own words. */
export function readForm(magnet: Magnet, typed: Typed): ReadForm | { errors: FieldErrors } {
  const errors: FieldErrors = {};
  const answers: { [name: string]: Json } = {};
  const claims: Identifier[] = [];
  const email = readEmail(magnet, typed.email ?? "");
  if (email.error !== undefined) errors.email = email.error;
  else claims.push({ kind: "email", value: email.value });
  for (const field of magnet.fields) {
    const said = (typed[field.name] ?? "").trim();
    const read = field.name === "phone" ? readPhone(field, said, magnet) : readAnswer(field, said, magnet);
    if (read.error !== undefined) errors[field.name] = read.error;
    else if (read.value === null) continue;
    else if (field.name === "phone") claims.push({ kind: "phone", value: String(read.value) });
    else answers[field.name] = read.value;
  }
  return email.error !== undefined || Object.keys(errors).length > 0
    ? { errors }
    : { email: email.value, claims, answers };
}

type Read<Value extends Json> = { value: Value; error?: never } | { value?: never; error: string };

function readEmail({ words, business_mail_only: isBusinessOnly }: Magnet, said: string): Read<string> {
  if (said.trim() === "") return { error: words.is_missing };
  const { value } = normalizeIdentifier("email", said);
  if (value === undefined) return { error: words.is_no_email };
  return isBusinessOnly && accountDomainOf(value) === null ? { error: words.is_free_mail } : { value };
}

function readPhone({ required }: MagnetField, said: string, { words }: Magnet): Read<string | null> {
  if (said === "") return required ? { error: words.is_missing } : { value: null };
  const { value } = normalizeIdentifier("phone", said);
  return value === undefined ? { error: words.is_no_phone } : { value };
}

function readAnswer({ type, required, options }: MagnetField, said: string, { words }: Magnet): Read<Json> {
  if (type === "checkbox") {
    const isTicked = /^(?:on|true|1|yes)$/i.test(said);
    return required && !isTicked ? { error: words.is_missing } : { value: isTicked };
  }
  if (said === "") {
    return required ? { error: options === undefined ? words.is_missing : words.is_no_option } : { value: null };
  }
  if (said.length > ANSWER_LENGTH_MAX) return { error: words.is_too_long };
  if (type === "number") {
    const number = Number(said.replace(",", "."));
    return Number.isFinite(number) ? { value: number } : { error: words.is_no_number };
  }
  if (options !== undefined && !options.includes(said)) return { error: words.is_no_option };
  return { value: said };
}
