import { z } from "zod";
import { options, pathSchema, TEXT_LENGTH_MAX } from "./option.ts";

const ROWS_MAX = 10_000;

export const campaignName = z.string().min(1).max(TEXT_LENGTH_MAX).register(options, {
  flag: "--name",
  placeholder: "NAME",
  takes: "what the campaign is called",
  otherwise: "none, it must be given",
  help: "the campaign; what stands in its links is made of it",
});

export const leads = pathSchema().register(options, {
  flag: "--leads",
  placeholder: "FILE",
  takes: "the path of a CSV with a line of column names, one of them email",
  otherwise: "none, it must be given",
  help: "the list of people to write to",
});

export const baseUrl = z.string().min(1).max(TEXT_LENGTH_MAX).register(options, {
  flag: "--base-url",
  placeholder: "URL",
  takes: "the address of your site, such as https://acme.example",
  otherwise: "none, it must be given",
  help: "the site that links lead to",
});

export const landing = z.string().min(1).max(TEXT_LENGTH_MAX).default("/").register(options, {
  flag: "--landing",
  placeholder: "PATH",
  takes: "a path on that site, such as /demo",
  help: "the page that links lead to",
});

export const utm = z
  .array(z.string().max(TEXT_LENGTH_MAX))
  .transform((said) => said.flatMap((text) => text.split(/,(?=\s*\w+=)/)).map(pairOf))
  .pipe(z.array(z.tuple([z.string(), z.string()])))
  .transform((pairs) => Object.fromEntries(pairs))
  .prefault([])
  .register(options, {
    flag: "--utm",
    placeholder: "PAIRS",
    isRepeatable: true,
    takes: "source=…,medium=… and likewise campaign, term, content, id",
    otherwise: "utm_campaign is what stands in the links",
    help: "the utm_ parameters of the links",
  });

export const out = pathSchema().default(".").register(options, {
  flag: "--out",
  placeholder: "FOLDER",
  takes: "the path of a folder",
  help: "where the list with its links is written to; made when missing",
});

export const campaign = z.string().min(1).max(TEXT_LENGTH_MAX).register(options, {
  placeholder: "CAMPAIGN",
  takes: "a campaign's id or the name in its links",
  help: "the campaign",
});

export const view = z.string().min(1).max(TEXT_LENGTH_MAX).register(options, {
  placeholder: "VIEW",
  takes: "one of high-intent-leads, campaign-performance, recent-sessions, intent-distribution",
  help: "the view",
});

export const format = z.enum(["table", "csv", "json"]).default("table").register(options, {
  flag: "--format",
  placeholder: "FORM",
  takes: "table, csv or json",
  help: "the form of a view",
});

export const level = z.string().min(1).max(TEXT_LENGTH_MAX).optional().register(options, {
  flag: "--level",
  placeholder: "LEVEL",
  takes: "the name of a threshold",
  otherwise: "the second one, hot",
  help: "from which level on somebody is a lead of high intent",
});

export const rows = z
  .string()
  .regex(/^\d{1,5}$/)
  .transform(Number)
  .pipe(z.int().min(1).max(ROWS_MAX))
  .optional()
  .register(options, {
    flag: "--rows",
    placeholder: "NUMBER",
    takes: `a whole number from 1 to ${ROWS_MAX}`,
    otherwise: "50, of csv and json all up to the most",
    help: "how many rows of a view",
  });

export const hash = z.literal("email").optional().register(options, {
  flag: "--hash",
  placeholder: "email",
  takes: "email",
  otherwise: "addresses stand as they are",
  help: "write the SHA-256 of e-mail addresses in their place",
});

/** The name and the value; what is no pair is none of either, and refused. */
function pairOf(text: string): [string, string] | null {
  const [, name = "", value = ""] = /^\s*(\w+)=(.*)$/s.exec(text) ?? [];
  return name === "" ? null : [name, value.trim()];
}
