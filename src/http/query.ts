import { z } from "zod";
import { AppError } from "../core/error.ts";
import { parseTimeMs } from "../core/time.ts";

const LIMIT_DEFAULT = 50;
const LIMIT_MAX = 500;
const LIMIT_PROBLEM = `must be a whole number from 1 to ${LIMIT_MAX}`;
const CURSOR_LENGTH_MAX = 500;

export const limitSchema = z.coerce
  .number({ error: LIMIT_PROBLEM })
  .int(LIMIT_PROBLEM)
  .min(1, LIMIT_PROBLEM)
  .max(LIMIT_MAX, LIMIT_PROBLEM)
  .default(LIMIT_DEFAULT)
  .describe("rows in this page");

/** Whether a page is more than a moment's work: such a one is made beside the loop. */
export function isLongPage({ limit }: { limit: number }): boolean {
  return limit > LIMIT_DEFAULT;
}

/** What was made there comes as the text it goes out as. */
export function jsonAnswer(text: string): Response {
  return new Response(text, { headers: { "content-type": "application/json" } });
}

export const cursorSchema = z.string().max(CURSOR_LENGTH_MAX).describe("next_cursor of the page before");

const TIME_PROBLEM = "must be seconds, milliseconds or ISO 8601";

/** A time in an address: digits are a number there like in a body. */
export const queryTimeSchema = z
  .string()
  .max(40, TIME_PROBLEM)
  .transform((text) => parseTimeMs(/^\d+(\.\d+)?$/.test(text) ? Number(text) : text))
  .pipe(z.number({ error: TIME_PROBLEM }))
  .describe("seconds, milliseconds or ISO 8601");

/** What a signed link brings; see signed-link.ts. */
export const linkQuerySchema = z.strictObject({
  expires: z.string().max(20).optional().describe("as the link brings it"),
  signature: z.string().max(100).optional().describe("as the link brings it"),
});

/** What stands behind the question mark; the names that are not known here are not repeated, those that are, are. */
export function readQuery<Schema extends z.ZodObject>(schema: Schema, query: unknown): z.infer<Schema> {
  const parsed = schema.safeParse(query);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const known = Object.keys(schema.shape).join(", ");
  if (issue === undefined || issue.code === "unrecognized_keys") {
    const takes = known === "" ? "takes no parameters" : `takes ${known}; leave out what is none of them`;
    throw new AppError("invalid", `this address ${takes}`);
  }
  throw new AppError("invalid", issue.message, String(issue.path[0] ?? "") || null);
}

/** Where the next page begins, opaque to callers. */
export function encodeCursor(position: readonly unknown[]): string {
  return Buffer.from(JSON.stringify(position)).toString("base64url");
}

/** The position in a cursor, or null for the first page. */
export function decodeCursor<Schema extends z.ZodType>(
  schema: Schema,
  cursor: string | undefined,
): z.infer<Schema> | null {
  if (cursor === undefined) return null;
  const parsed = schema.safeParse(jsonOf(Buffer.from(cursor, "base64url").toString()));
  if (parsed.success) return parsed.data;
  throw new AppError(
    "invalid",
    "is none that this address gave out; leave it out to begin with the first page",
    "cursor",
  );
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
