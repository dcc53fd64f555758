import { z } from "zod";
import { hostSchema, options, pathSchema, SECRET_KEY_LENGTH_MAX, TEXT_LENGTH_MAX, toggleSchema } from "./option.ts";

const PORT_MAX = 65_535;
const SECRET_KEY_MIN = 16;

export const data = pathSchema().default("./data").register(options, {
  flag: "--data",
  variable: "DO_INTENT_DATA",
  placeholder: "FOLDER",
  takes: "the path of a folder",
  help: "where everything is stored; made when missing",
});

export const config = pathSchema().nullable().default(null).register(options, {
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

export const host = hostSchema().default("0.0.0.0").register(options, {
  flag: "--host",
  variable: "DO_INTENT_HOST",
  placeholder: "ADDRESS",
  takes: "an address of this machine such as 127.0.0.1 or ::",
  help: "which of the machine's addresses to listen on",
});

export const origins = z
  .array(z.string().max(TEXT_LENGTH_MAX).transform(originOf).pipe(z.string()))
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

export const logRequests = toggleSchema().register(options, {
  flag: "--log-requests",
  variable: "DO_INTENT_LOG_REQUESTS",
  isToggle: true,
  placeholder: "",
  takes: "true or false",
  help: "a line for each request as well: which route, what was answered, how long it took; the variable takes true",
});

export const secretKey = z
  .string()
  .min(SECRET_KEY_MIN)
  .max(SECRET_KEY_LENGTH_MAX)
  .regex(/^[\x21-\x7e]+$/)
  .nullable()
  .default(null)
  .register(options, {
    variable: "DO_INTENT_SECRET_KEY",
    placeholder: "KEY",
    takes: `${SECRET_KEY_MIN} to ${SECRET_KEY_LENGTH_MAX} visible ASCII characters`,
    otherwise: "one is made and shown once",
    help: "the secret key of the first run",
  });

export const secretKeyFile = pathSchema().nullable().default(null).register(options, {
  variable: "DO_INTENT_SECRET_KEY_FILE",
  placeholder: "FILE",
  takes: "the path of a file that holds nothing but the key",
  otherwise: "none",
  help: "the same from a file, as systemd's LoadCredential puts it",
});

/** An origin as browsers send it, or null; `*.` in front of the host stands for any sub-domain. */
function originOf(text: string): string | null {
  if (!URL.canParse(text)) return null;
  const url = new URL(text);
  const isBare = url.pathname === "/" && url.search + url.hash + url.username + url.password === "";
  const hasStrayStar = url.host.replace(/^\*\.(?=[^.])/, "").includes("*");
  return /^https?:$/.test(url.protocol) && isBare && !hasStrayStar ? url.origin : null;
}
