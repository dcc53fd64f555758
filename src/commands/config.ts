import type { Command } from "../config/commands.ts";
import { intentJsonSchema, printableConfig } from "../config/intent.ts";
import { readIntentConfig } from "../config/read.ts";
import { loadConfig } from "./serve.ts";

type ConfigCommand = Extract<Command, { name: "config check" | "config print" | "config schema" }>;

export function runConfig(command: ConfigCommand, write: (line: string) => void): number {
  switch (command.name) {
    case "config check":
      return check(command.options.file, write);
    case "config print": {
      const { config, hash } = loadConfig(command.options.config);
      write(JSON.stringify({ hash, config: printableConfig(config) }, null, 2));
      return 0;
    }
    case "config schema":
      write(JSON.stringify(intentJsonSchema(), null, 2));
      return 0;
  }
}

function check(file: string, write: (line: string) => void): number {
  const parsed = readIntentConfig(file);
  if (parsed.problems === undefined) {
    write(`${file} holds (${parsed.hash})`);
    return 0;
  }
  write([`${file} does not hold:`, ...parsed.problems].join("\n  "));
  return 1;
}
