import { documented } from "../../http/document.ts";
import { auditQuerySchema, identifierQuerySchema, noQuerySchema } from "./schema.ts";

const topic = "Privacy";
const PERSON = { id: "the person's id, or any of their identifiers" };
const ERASED = { description: "how many rows went, by table" };

export const ERASE = documented({
  topic,
  summary: "Erases a person for good, with whoever was merged into them",
  access: "admin",
  path: PERSON,
  query: noQuerySchema,
  answer: ERASED,
});

export const ERASE_BY = documented({
  topic,
  summary: "The same by one identifier",
  access: "admin",
  query: identifierQuerySchema,
  answer: ERASED,
});

export const EXPORT = documented({
  topic,
  summary: "All there is about a person",
  access: "read",
  path: PERSON,
  answer: { description: "everything as it stood when it was asked for" },
});

export const SUPPRESSED = documented({
  topic,
  summary: "Whether an identifier was erased, and since when it is not processed any more",
  access: "admin",
  query: identifierQuerySchema,
  answer: { description: "suppressed_at; null where it is processed" },
});

export const LIFT = documented({
  topic,
  summary: "Lets an identifier be processed again",
  access: "admin",
  query: identifierQuerySchema,
  answer: { description: "lifted" },
});

export const AUDIT = documented({
  topic,
  summary: "Which key read or changed what, the latest first",
  access: "admin",
  query: auditQuerySchema,
  answer: { description: "entries and next_cursor" },
});
