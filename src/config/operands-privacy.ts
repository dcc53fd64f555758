import { z } from "zod";
import { options, TEXT_LENGTH_MAX, timeMsSchema } from "./option.ts";

export const person = z.string().trim().min(1).max(TEXT_LENGTH_MAX).register(options, {
  placeholder: "PERSON|EMAIL|USER_ID|ANONYMOUS_ID",
  takes: "a person's id, or an identifier of any kind",
  help: "who it is",
});

export const subject = z.string().trim().min(1).max(100).nullable().default(null).register(options, {
  flag: "--subject",
  placeholder: "ID",
  takes: "an id such as a person's",
  otherwise: "everybody and everything",
  help: "what was read or changed",
});

export const auditSinceMs = timeMsSchema().nullable().default(null).register(options, {
  flag: "--from",
  placeholder: "TIME",
  takes: "a time in seconds, milliseconds or ISO 8601",
  otherwise: "the last 1000 entries",
  help: "tell what happened since then",
});
