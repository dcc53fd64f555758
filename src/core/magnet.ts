import { z } from "zod";
import { compileMatcher, type Threshold } from "./compile.ts";
import { contrastOf } from "./contrast.ts";
import type { Json } from "./json.ts";
import { matchersSchema } from "./rules.ts";

/** Each question costs answers; whoever wants to know more asks later. */
const MAGNET_FIELDS_MAX = 6;
const OPTIONS_MAX = 30;
const WORDS_LENGTH_MAX = 300;
const LINK_HOURS_MAX = 720;
/** What WCAG asks of text at level AA. */
const ACCENT_CONTRAST_MIN = 4.5;
/** More, so that the paler text and the edges of fields, which are mixed from it, can be seen as well. */
const TEXT_CONTRAST_MIN = 7;

/** A field that no human sees; who fills it is a machine. No browser's autofill knows the name. */
export const HONEYPOT = "homepage";
/** What a form says beside its answers. */
const RESERVED_NAMES = ["email", "user_id", "started", "url", "referrer", "write_key", HONEYPOT];

const words = (text: string) =>
  z.string().min(1).max(WORDS_LENGTH_MAX).default(text).describe(`Said in place of "${text}"`);

/** Everything the pages say by themselves, so that they can say it in another language. */
const wordsSchema = z.strictObject({
  email: words("E-mail"),
  button: words("Get it now"),
  optional: words("optional"),
  choose: words("Please choose"),
  thanks: words("Thank you"),
  message: words("Here it is. The link ends after a while, so keep a copy."),
  message_without_file: words("We have your request and will be in touch."),
  download: words("Download"),
  booking: words("Book a call"),
  booking_invitation: words("Would you like to talk it through?"),
  back: words("Back to the form"),
  check_fields: words("Almost there: please mend what is marked below."),
  error: words("Error"),
  is_missing: words("Please fill this in."),
  is_no_email: words("Please give an e-mail address such as ada@example.com."),
  is_free_mail: words("Please give the e-mail address of your company."),
  is_no_phone: words("Please give the number with its country, such as +27 82 123 4567."),
  is_no_number: words("Please give a number."),
  is_no_option: words("Please choose one of the answers."),
  is_too_long: words("Please make this shorter."),
  was_too_quick: words("That was quick. Please look over what you typed and send it once more."),
  is_outdated: words("This form was open for a long time. Please send it once more."),
  too_many: words("Too many requests at once. Please try again later."),
  link_expired: words("This link has expired. Please ask for a new one."),
});

const fieldName = z
  .string()
  .regex(/^(?!constructor$)[a-z][a-z0-9_]{0,39}$/, "use lower-case letters, digits and _, at most 40")
  .refine((name) => !RESERVED_NAMES.includes(name) && !name.endsWith("_id"), {
    message: "is taken: the e-mail field is there by itself, and forms use such names for themselves; take another",
  });

const label = z.string().min(1).max(200);

const fieldSchema = z
  .strictObject({
    name: fieldName.describe(
      "The trait it becomes, which rules and personalization know it by; phone is an identifier",
    ),
    label: label.describe("What stands over the field"),
    type: z
      .enum(["text", "textarea", "tel", "number", "select", "radio", "checkbox"])
      .default("text")
      .describe("number becomes a number and checkbox true or false, all else a text"),
    required: z.boolean().default(false).describe("Whether it has to be answered"),
    options: z.array(label).min(2).max(OPTIONS_MAX).optional().describe("The answers of a select or radio"),
  })
  .refine(({ type, options }) => (type === "select" || type === "radio") === (options !== undefined), {
    message: "belong to a select or a radio, and only to them",
    path: ["options"],
  });

const colour = z.string().regex(/^#(?:[0-9a-f]{3}|[0-9a-f]{6})$/i, 'use a colour such as "#1d4ed8"');

const paletteSchema = z
  .strictObject({
    accent: colour.describe("Button, links and the marked field"),
    background: colour.describe("The page"),
    text: colour.describe("The text"),
  })
  .refine(({ text, background }) => contrastOf(text, background) >= TEXT_CONTRAST_MIN, {
    message: `stands out from background by less than ${TEXT_CONTRAST_MIN} to 1; many could not read it`,
    path: ["text"],
  })
  .refine(({ accent, background }) => contrastOf(accent, background) >= ACCENT_CONTRAST_MIN, {
    message: `stands out from background by less than ${ACCENT_CONTRAST_MIN} to 1; many could not see the links`,
    path: ["accent"],
  });

const themeSchema = z.strictObject({
  light: paletteSchema
    .prefault({ accent: "#1d4ed8", background: "#ffffff", text: "#0f172a" })
    .describe("For those who like it light"),
  dark: paletteSchema
    .prefault({ accent: "#93b4fd", background: "#0b1220", text: "#e6ebf5" })
    .describe("For those who like it dark"),
  font: z
    .string()
    .max(200)
    .regex(/^[A-Za-z0-9 ,-]+$/, "use names of fonts, separated by commas, without quotes")
    .default("system-ui, sans-serif")
    .describe("Fonts of the visitor's own machine; nothing is fetched"),
  radius: z.int().min(0).max(32).default(10).describe("How round corners are, in pixels"),
});

const webAddress = z.url({ protocol: /^https?$/ }).max(2_000);

const assetPath = z
  .string()
  .max(500)
  .regex(
    /^(?!\.{1,2}(?:\/|$))[^/\\\0]+(?:\/(?!\.{1,2}(?:\/|$))[^/\\\0]+)*$/,
    "give a path below magnets_folder, without ..",
  );

const bookingSchema = z.strictObject({
  url: webAddress.describe("Where a call is booked"),
  when: z
    .strictObject({
      level: z.string().max(64).optional().describe("At least this level, after the form was sent"),
      score: z.number().min(0).max(100).optional().describe("At least this score, after the form was sent"),
      traits: matchersSchema.optional().describe("Tests on the answers of this very form, written as in rules"),
    })
    .optional()
    .describe("Who is shown the booking; all of it has to hold. Everybody where it is missing"),
});

/** One entry of `magnets` in intent.json. */
export const magnetSchema = z
  .strictObject({
    slug: z
      .string()
      .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, "use lower-case letters, digits and -, at most 63")
      .describe("Its address is /m/SLUG; keep it, since one person and slug make one lead"),
    title: z.string().min(1).max(150).describe("What is offered, in a few words"),
    description: z.string().max(2_000).default("").describe("Plain text; an empty line begins a paragraph"),
    lang: z
      .string()
      .regex(/^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$/, 'use a language tag such as "en" or "pt-BR"')
      .default("en")
      .describe("The language of title, description and words"),
    fields: z
      .array(fieldSchema)
      .max(MAGNET_FIELDS_MAX)
      .default([])
      .describe("What is asked besides the e-mail address"),
    file: assetPath.optional().describe("What is given: a file below magnets_folder"),
    url: webAddress.optional().describe("What is given: an address elsewhere, instead of a file"),
    link_hours: z.int().min(1).max(LINK_HOURS_MAX).default(72).describe("How long the link to it works"),
    booking: bookingSchema.optional().describe("An invitation to a call for those who qualify"),
    business_mail_only: z.boolean().default(false).describe("Whether free and disposable addresses are refused"),
    words: wordsSchema.prefault({}).describe("What the pages say, for another language or tone"),
    theme: themeSchema.prefault({}).describe("How the pages look"),
  })
  .refine(({ file, url }) => file === undefined || url === undefined, {
    message: "stands beside file; give one of them",
    path: ["url"],
  })
  .refine(({ fields }) => new Set(fields.map(({ name }) => name)).size === fields.length, {
    message: "has a name twice; give each its own",
    path: ["fields"],
  });

export type Magnet = z.infer<typeof magnetSchema>;
export type MagnetField = Magnet["fields"][number];
export type Palette = Magnet["theme"]["light"];

/** Whether somebody who has just asked is shown the booking. */
export function qualifies(
  { booking }: Pick<Magnet, "booking">,
  { score, answers }: { score: number; answers: { readonly [name: string]: Json } },
  thresholds: readonly Threshold[],
): boolean {
  if (booking === undefined) return false;
  const { level, score: scoreMin = 0, traits = {} } = booking.when ?? {};
  const levelMin = level === undefined ? 0 : thresholds.find(({ name }) => name === level)?.score;
  if (levelMin === undefined || score < Math.max(levelMin, scoreMin)) return false;
  return Object.entries(traits).every(([name, matcher]) => compileMatcher(matcher)(answers[name]));
}
