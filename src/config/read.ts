import { closeSync, openSync, readSync, statSync } from "node:fs";
import { type ParsedIntent, parseIntentConfig } from "./intent.ts";

const SIZE_MAX_BYTES = 1_000_000;

/** Reads a config file; whatever keeps it from being one comes back as sentences. */
export function readIntentConfig(path: string): ParsedIntent {
  let bytes: Uint8Array;
  try {
    const stat = statSync(path);
    if (stat.isDirectory()) return { problems: ["the path is a folder; give the file in it"] };
    // Opening a pipe or a device could wait forever.
    if (!stat.isFile()) return { problems: ["the path is no regular file; give an intent.json"] };
    bytes = readBytes(path);
  } catch (error) {
    return { problems: [whyUnreadable(error)] };
  }
  if (bytes.length > SIZE_MAX_BYTES) {
    return { problems: [`the file is larger than ${SIZE_MAX_BYTES} bytes; is it an intent.json?`] };
  }
  try {
    return parseIntentConfig(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return { problems: ["the file is not UTF-8 text; save it as UTF-8"] };
  }
}

/** At most one byte more than allowed: enough to tell, however large the file has become meanwhile. */
function readBytes(path: string): Uint8Array {
  const file = openSync(path, "r");
  try {
    const bytes = new Uint8Array(SIZE_MAX_BYTES + 1);
    let length = 0;
    while (length < bytes.length) {
      const count = readSync(file, bytes, length, bytes.length - length, null);
      if (count === 0) break;
      length += count;
    }
    return bytes.subarray(0, length);
  } finally {
    closeSync(file);
  }
}

function whyUnreadable(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
  if (code === "ENOENT") return "the file is not there; put it in place or name another one";
  return `the file cannot be read (${code}); let the user that runs do-intent read it`;
}
