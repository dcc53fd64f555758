import { z } from "zod";
import { AppError } from "../core/error.ts";
import { bodyRoomOf } from "./body-room.ts";

/**
 * Reads a body as text whatever its content type says: browsers send JSON as text/plain, since that needs no preflight.
 * A body without a declared length is read only as far as it may go.
 */
export async function readBody(request: Request, bytesMax: number): Promise<string> {
  const encoding = request.headers.get("content-encoding");
  if (encoding !== null && encoding.toLowerCase() !== "identity") throw encoded();
  const declared = request.headers.get("content-length");
  if (declared === null) return readStream(request, bytesMax);
  if (Number(declared) > bytesMax) throw tooLarge(bytesMax);
  const text = await readText(request, Number(declared));
  // What cannot be read was replaced, which changes how long it is; decoding strictly would cost every request.
  if (text.includes(REPLACEMENT) && Buffer.byteLength(text) !== Number(declared)) throw notUtf8();
  return text;
}

async function readText(request: Request, bytes: number): Promise<string> {
  const room = bodyRoomOf(request.headers);
  room.take(bytes);
  try {
    return await request.text();
  } finally {
    room.giveBack();
  }
}

async function readStream(request: Request, bytesMax: number): Promise<string> {
  const bytes = Buffer.concat(await readChunks(request, bytesMax));
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw notUtf8();
  }
}

function notUtf8(): AppError {
  return new AppError("invalid_json", "the body is not UTF-8; send JSON as UTF-8");
}

function encoded(): AppError {
  return new AppError(
    "unsupported_encoding",
    "the body is encoded, which is not taken here; send it as it is",
    "content-encoding",
  );
}

/**
 * A large body as the pieces it came in: putting them together is left to a thread that nobody waits for. `onChunk` may
 * throw when it takes too long.
 */
export async function readChunks(
  request: Request,
  bytesMax: number,
  onChunk: () => void = () => undefined,
): Promise<Uint8Array[]> {
  if (Number(request.headers.get("content-length")) > bytesMax) throw tooLarge(bytesMax);
  const room = bodyRoomOf(request.headers);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of request.body ?? []) {
      bytes += chunk.byteLength;
      if (bytes > bytesMax) throw tooLarge(bytesMax);
      room.take(chunk.byteLength);
      onChunk();
      chunks.push(chunk);
    }
    return chunks;
  } finally {
    room.giveBack();
  }
}

function tooLarge(bytesMax: number): AppError {
  return new AppError("too_large", `the body is larger than ${bytesMax / 1024} KB; send it in smaller parts`);
}

const REPLACEMENT = "\ufffd";

/** Writing out again what is nested some forty thousand deep fails, and takes more than a second to do so. */
const NESTING_MAX = 10_000;

export function parseJson(text: string): unknown {
  if (text.length > 2 * NESTING_MAX && nestingOf(text) > NESTING_MAX) {
    throw new AppError("invalid", `the body is nested more than ${NESTING_MAX} deep; send it flat`);
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new AppError("invalid_json", "the body is not valid JSON");
  }
}

/** How deep brackets stand in each other, or a bound of it that costs a tenth; those in strings do not count. */
function nestingOf(json: string): number {
  const bound = occurrences(json, "]") + occurrences(json, "}");
  if (bound <= NESTING_MAX) return bound;
  let depth = 0;
  let deepest = 0;
  let isInString = false;
  for (let index = 0; index < json.length; index += 1) {
    const character = json[index];
    if (isInString && character === "\\") index += 1;
    else if (character === '"') isInString = !isInString;
    else if (isInString) continue;
    else if (character === "[" || character === "{") deepest = Math.max(deepest, ++depth);
    else if (character === "]" || character === "}") depth -= 1;
  }
  return deepest;
}

function occurrences(text: string, character: string): number {
  let count = 0;
  for (let at = text.indexOf(character); at >= 0; at = text.indexOf(character, at + 1)) count += 1;
  return count;
}

/** The first thing zod found, as our error: the field by its path, the limit in the message, never a value. */
export function toInvalid(error: z.ZodError, within = ""): AppError {
  const [issue] = error.issues;
  if (issue === undefined) return new AppError("invalid", "the request does not have the form this address takes");
  const path = [within, ...issue.path.filter((part) => typeof part === "string" || typeof part === "number")]
    .filter((part) => part !== "")
    .join(".");
  if (issue.code === "unrecognized_keys") {
    return new AppError("invalid", "has a field that is not known here; put your own into metadata", path || null);
  }
  return new AppError("invalid", issue.message, path || null);
}

/** zod's own sentences are for developers of schemas; these are for whoever sent the request. */
z.config({
  customError: (issue) => {
    switch (issue.code) {
      case "invalid_type":
        return issue.input === undefined ? "is missing" : `must be ${article(issue.expected)}`;
      case "too_big":
        return `must have at most ${issue.maximum} ${issue.origin === "string" ? "characters" : "entries"}`;
      case "too_small":
        return issue.origin === "string" ? "must not be empty" : `must be at least ${issue.minimum}`;
      default:
        return undefined;
    }
  },
});

function article(expected: string): string {
  const name = expected === "record" ? "object" : expected;
  return `${/^[aeiou]/.test(name) ? "an" : "a"} ${name}`;
}
