import type { Command } from "../config/commands.ts";
import { loadFiles } from "../features/tracker/files.ts";
import { snippetText } from "../features/tracker/snippet.ts";
import { loadConfig } from "./serve.ts";

type SnippetCommand = Extract<Command, { name: "snippet" }>;

const EXAMPLE_URL = "https://intent.example.com";

/** Prints what to paste where. */
export async function runSnippet(
  { options }: SnippetCommand,
  write: (line: string) => void,
  writeBeside: (line: string) => void,
): Promise<number> {
  const { config } = loadConfig(options.config);
  const [script] = await loadFiles(config.tracker);
  if (script === undefined) throw new Error("the schema asks for at least one script path");
  const url = options.url ?? config.public_url ?? EXAMPLE_URL;
  write(snippetText({ url, scriptPath: script.path, integrity: script.integrity, writeKey: options.writeKey }));
  if (url === EXAMPLE_URL)
    writeBeside(`${EXAMPLE_URL} stands for your server; name it with --url, or as public_url in intent.json`);
  return 0;
}
