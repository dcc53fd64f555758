import { HONEYPOT, type Magnet, type MagnetField } from "../../core/magnet.ts";
import { mintStarted } from "./started.ts";

/** What browsers know to fill in, by the names that traits usually have. */
const AUTOCOMPLETE: { readonly [name: string]: string } = {
  email: "email",
  name: "name",
  first_name: "given-name",
  last_name: "family-name",
  company: "organization",
  title: "organization-title",
  job_title: "organization-title",
  phone: "tel",
  country: "country-name",
  city: "address-level2",
};

export type FormField = Pick<MagnetField, "name" | "label" | "required"> & {
  type: "email" | MagnetField["type"];
  options?: string[];
  autocomplete?: string;
};

export type FormAnswer = {
  slug: string;
  title: string;
  description: string;
  lang: string;
  button: string;
  /** What the form and its thanks say besides. */
  words: Pick<Magnet["words"], "optional" | "choose" | "download" | "booking" | "booking_invitation">;
  fields: FormField[];
  started: string;
  honeypot: string;
};

/** The e-mail address, which everybody is asked for, and then the magnet's own questions. */
export function formFields({ fields, words }: Magnet): FormField[] {
  const email = { name: "email", label: words.email, type: "email" as const, required: true, options: undefined };
  return [email, ...fields].map(
    ({ name, label, type, required, options }): FormField => ({
      name,
      label,
      type,
      required,
      ...(options === undefined ? {} : { options }),
      ...(AUTOCOMPLETE[name] === undefined ? {} : { autocomplete: AUTOCOMPLETE[name] }),
    }),
  );
}

/** The form as data, for pages that draw it themselves. */
export function formAnswer(magnet: Magnet, secret: Buffer, nowMs: number): FormAnswer {
  const { slug, title, description, lang, words } = magnet;
  const { button, optional, choose, download, booking, booking_invitation } = words;
  return {
    slug,
    title,
    description,
    lang,
    button,
    words: { optional, choose, download, booking, booking_invitation },
    fields: formFields(magnet),
    started: mintStarted(secret, slug, nowMs),
    honeypot: HONEYPOT,
  };
}
