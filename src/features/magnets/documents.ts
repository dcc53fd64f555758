import { documented } from "../../http/document.ts";
import { linkQuerySchema } from "../../http/query.ts";
import { formSchema } from "./read-submission.ts";

const topic = "Lead magnets";
const MAGNET = { slug: "the magnet's slug in intent.json" };

export const PAGE = documented({
  topic,
  summary: "A magnet's page, with its form",
  access: "public",
  path: MAGNET,
  answer: { type: "text/html", description: "a page" },
});

export const FORM = documented({
  topic,
  summary: "The form as data, for pages that draw it themselves",
  access: "public",
  path: MAGNET,
  answer: { description: "fields, words, the field that stays empty, and started, which is sent with the form" },
});

export const SEND = documented({
  topic,
  summary: "Takes a form",
  access: "public",
  path: MAGNET,
  body: ["application/x-www-form-urlencoded", "application/json"].map((type) => ({ type, schema: formSchema })),
  answer: {
    description: "download_url, booking_url and message; who does not ask for JSON is sent on to the thanks with 303",
  },
});

export const THANKS = documented({
  topic,
  summary: "What was granted, as a page",
  access: "signed link",
  path: { ...MAGNET, granted: "what was granted; the signature holds it" },
  query: linkQuerySchema,
  answer: { type: "text/html", description: "a page" },
});

export const FILE = documented({
  topic,
  summary: "What the magnet gives",
  access: "signed link",
  path: MAGNET,
  query: linkQuerySchema,
  answer: { type: "application/octet-stream", description: "the file, or 302 to where it is" },
});
