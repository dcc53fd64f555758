import { z } from "zod";
import { AppError } from "../core/error.ts";

/**
 * Reads a body as text whatever its content type says: browsers send JSON as text/plain, since that needs no preflight.
 * A body without a declared length is read only as far as it may go.
 */
export async function readBody(request: Request, bytesMax: number): Promise<string> {
  const declared = request.headers.get("content-length");
  if (declared === null) return readStream(request, bytesMax);
  if (Number(declared) > bytesMax) throw tooLarge(bytesMax);
  return request.text();
}

async function readStream(request: Request, bytesMax: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of request.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > bytesMax) throw tooLarge(bytesMax);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function tooLarge(bytesMax: number): AppError {
  return new AppError("too_large", `the body is larger than ${bytesMax / 1024} KB; send it in smaller parts`);
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new AppError("invalid_json", "the body is not valid JSON");
  }
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
  return `${/^[aeiou]/.test(expected) ? "an" : "a"} ${expected === "record" ? "object" : expected}`;
}
