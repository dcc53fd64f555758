import { z } from "zod";
import { parseDurationMs } from "../core/duration.ts";
import { TRY_NAMED_DEFAULT, TRY_NAMED_MAX } from "../core/what-if.ts";
import { options, pathSchema, SECRET_KEY_LENGTH_MAX, TEXT_LENGTH_MAX, timeMsSchema } from "./option.ts";

export const atMs = timeMsSchema().nullable().default(null).register(options, {
  flag: "--at",
  placeholder: "TIME",
  takes: "a time in seconds, milliseconds or ISO 8601",
  otherwise: "now",
  help: "explain the score as it was, or will be, at that time",
});

export const who = z.string().trim().min(1).max(TEXT_LENGTH_MAX).register(options, {
  placeholder: "PERSON|EMAIL|ANONYMOUS_ID|DOMAIN",
  takes: "a person's id, e-mail or anonymous id, or an account's domain",
  help: "whose score to explain",
});

const destinationName = () => z.string().min(1).max(64);

export const destination = destinationName().register(options, {
  placeholder: "NAME",
  takes: "the name of a destination",
  help: "the destination to test",
});

export const someDestination = destinationName().nullable().default(null).register(options, {
  placeholder: "[NAME]",
  takes: "the name of a destination",
  otherwise: "all of them",
  help: "the destination to send to again",
});

export const sinceMs = timeMsSchema().register(options, {
  flag: "--since",
  placeholder: "TIME",
  takes: "a time in seconds, milliseconds or ISO 8601",
  otherwise: "none, it must be given",
  help: "send again what was created since then",
});

export const url = z
  .url({ protocol: /^https?$/ })
  .max(TEXT_LENGTH_MAX)
  .transform((given) => given.replace(/\/+$/, ""))
  .nullable()
  .default(null)
  .register(options, {
    flag: "--url",
    variable: "DO_INTENT_URL",
    placeholder: "URL",
    takes: "an address such as https://intent.example.com",
    otherwise: "public_url of intent.json",
    help: "where browsers reach this server",
  });

export const writeKey = z
  .string()
  .max(SECRET_KEY_LENGTH_MAX)
  .regex(/^[\w-]+$/)
  .nullable()
  .default(null)
  .register(options, {
    flag: "--key",
    placeholder: "KEY",
    takes: "a write key",
    otherwise: "none",
    help: "the write key to put into the tag; needed only where intent.json asks for one",
  });

export const goal = z.string().trim().min(1).max(100).register(options, {
  flag: "--goal",
  placeholder: "EVENT",
  takes: "the name of an event",
  otherwise: "none, it must be given",
  help: "the event that people should come to",
});

export const withinMs = z.string().transform(parseDurationMs).pipe(z.number()).prefault("14d").register(options, {
  flag: "--within",
  placeholder: "TIME",
  takes: "a number and s, m, h or d, such as 14d",
  otherwise: "14d",
  help: "how long before the goal what people do counts as leading to it",
});

export const limit = z
  .string()
  .regex(/^\d{1,4}$/)
  .transform(Number)
  .pipe(z.int().min(1).max(TRY_NAMED_MAX))
  .prefault(String(TRY_NAMED_DEFAULT))
  .register(options, {
    flag: "--limit",
    placeholder: "NUMBER",
    takes: `a whole number from 1 to ${TRY_NAMED_MAX}`,
    otherwise: String(TRY_NAMED_DEFAULT),
    help: "how many who rise, and how many accounts, are named; all are counted",
  });

export const file = pathSchema().register(options, {
  placeholder: "FILE",
  takes: "the path of an intent.json",
  help: "the file to check or to try",
});
