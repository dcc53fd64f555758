import { z } from "zod";
import { parseDurationMs } from "../core/duration.ts";
import { parseTimeMs } from "../core/time.ts";

/** How a value comes in from outside: by flag, by variable or as a word behind the command. */
export type Option = {
  flag?: string;
  variable?: string;
  /** What stands for the value in the manual. */
  placeholder: string;
  isRepeatable?: true;
  /** What the value may be, as said in errors and in the manual. */
  takes: string;
  /** What holds without it, where the schema's own default does not say it. */
  otherwise?: string;
  help: string;
};

export const options = z.registry<Option>();

const TEXT_MAX = 4_096;
const PORT_MAX = 65_535;
const SECRET_KEY_MIN = 16;
const SECRET_KEY_MAX = 200;

const path = () => z.string().min(1).max(TEXT_MAX);

export const data = path().default("./data").register(options, {
  flag: "--data",
  variable: "DO_INTENT_DATA",
  placeholder: "FOLDER",
  takes: "the path of a folder",
  help: "where everything is stored; made when missing",
});

export const config = path().nullable().default(null).register(options, {
  flag: "--config",
  variable: "DO_INTENT_CONFIG",
  placeholder: "FILE",
  takes: "the path of an intent.json",
  otherwise: "the built-in config",
  help: "rules, thresholds and destinations; picked up again when it changes",
});

export const port = z
  .string()
  .regex(/^\d{1,5}$/)
  .transform(Number)
  .pipe(z.int().max(PORT_MAX))
  .prefault("3000")
  .register(options, {
    flag: "--port",
    variable: "DO_INTENT_PORT",
    placeholder: "PORT",
    takes: `a whole number from 0 to ${PORT_MAX}, 0 for any free port`,
    help: "where to listen",
  });

export const host = z
  .string()
  .max(253)
  .regex(/^[A-Za-z0-9.:_-]+$/)
  .default("0.0.0.0")
  .register(options, {
    flag: "--host",
    variable: "DO_INTENT_HOST",
    placeholder: "ADDRESS",
    takes: "an address of this machine such as 127.0.0.1 or ::",
    help: "which of the machine's addresses to listen on",
  });

export const origins = z
  .array(z.string().max(TEXT_MAX).transform(originOf).pipe(z.string()))
  .default([])
  .register(options, {
    flag: "--origin",
    variable: "DO_INTENT_ORIGIN",
    placeholder: "ORIGIN",
    isRepeatable: true,
    takes: "https://acme.com or https://*.acme.com, without a path",
    otherwise: "any",
    help: "a site that may send from browsers; repeat it, or separate by commas in the variable",
  });

export const durability = z.enum(["full", "normal"]).default("full").register(options, {
  flag: "--durability",
  variable: "DO_INTENT_DURABILITY",
  placeholder: "MODE",
  takes: "full or normal",
  help: "full outlives a power cut; normal is faster and outlives a crash of the program only",
});

export const log = z.enum(["json", "pretty"]).default("pretty").register(options, {
  flag: "--log",
  variable: "DO_INTENT_LOG",
  placeholder: "FORM",
  takes: "json or pretty",
  help: "the form of the log lines",
});

export const secretKey = z
  .string()
  .min(SECRET_KEY_MIN)
  .max(SECRET_KEY_MAX)
  .regex(/^[\x21-\x7e]+$/)
  .nullable()
  .default(null)
  .register(options, {
    variable: "DO_INTENT_SECRET_KEY",
    placeholder: "KEY",
    takes: `${SECRET_KEY_MIN} to ${SECRET_KEY_MAX} visible ASCII characters`,
    otherwise: "one is made and shown once",
    help: "the secret key of the first run",
  });

export const atMs = z
  .string()
  .transform((text) => parseTimeMs(/^\d+(\.\d+)?$/.test(text) ? Number(text) : text))
  .pipe(z.number())
  .nullable()
  .default(null)
  .register(options, {
    flag: "--at",
    placeholder: "TIME",
    takes: "a time in seconds, milliseconds or ISO 8601",
    otherwise: "now",
    help: "explain the score as it was, or will be, at that time",
  });

export const who = z.string().trim().min(1).max(TEXT_MAX).register(options, {
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

export const sinceMs = z
  .string()
  .transform((text) => parseTimeMs(/^\d+(\.\d+)?$/.test(text) ? Number(text) : text))
  .pipe(z.number())
  .register(options, {
    flag: "--since",
    placeholder: "TIME",
    takes: "a time in seconds, milliseconds or ISO 8601",
    otherwise: "none, it must be given",
    help: "send again what was created since then",
  });

export const url = z
  .url({ protocol: /^https?$/ })
  .max(TEXT_MAX)
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
  .max(SECRET_KEY_MAX)
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

export const file = path().register(options, {
  placeholder: "FILE",
  takes: "the path of an intent.json",
  help: "the file to check or to try",
});

/** An origin as browsers send it, or null; `*.` in front of the host stands for any sub-domain. */
function originOf(text: string): string | null {
  if (!URL.canParse(text)) return null;
  const url = new URL(text);
  const isBare = url.pathname === "/" && url.search + url.hash + url.username + url.password === "";
  const hasStrayStar = url.host.replace(/^\*\.(?=[^.])/, "").includes("*");
  return /^https?:$/.test(url.protocol) && isBare && !hasStrayStar ? url.origin : null;
}
