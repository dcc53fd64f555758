import { z } from "zod";
import { hostSchema, options, pathSchema, timeMsSchema, toggleSchema } from "./option.ts";

export const backupFile = pathSchema().register(options, {
  placeholder: "FILE",
  takes: "the path of a file; with .gz at its end it is compressed",
  help: "the backup",
});

export const replace = toggleSchema().register(options, {
  flag: "--replace",
  isToggle: true,
  placeholder: "",
  takes: "no value",
  help: "put the backup in the place of what the data folder holds, which is kept beside it",
});

/** Behind a proxy on the same machine nobody else need reach the port. */
export const loopbackHost = hostSchema().default("127.0.0.1").register(options, {
  flag: "--host",
  placeholder: "ADDRESS",
  takes: "an address of this machine such as 127.0.0.1 or ::",
  help: "of install-service: which of the machine's addresses the service listens on",
});

export const table = z.enum(["events", "people", "accounts", "signals"]).register(options, {
  placeholder: "TABLE",
  takes: "one of events, people, accounts, signals",
  help: "what to export",
});

export const exportFormat = z.enum(["csv", "jsonl"]).default("csv").register(options, {
  flag: "--format",
  placeholder: "FORM",
  takes: "csv or jsonl",
  help: "the form of an export",
});

export const changedSinceMs = timeMsSchema().nullable().default(null).register(options, {
  flag: "--since",
  placeholder: "TIME",
  takes: "a time in seconds, milliseconds or ISO 8601",
  otherwise: "everything",
  help: "export what came in, who was seen, or what crossed since then",
});
