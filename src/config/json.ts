const DEPTH_MAX = 100;
const TOO_DEEP = `nested deeper than ${DEPTH_MAX}; flatten it`;
const BLANK = /[ \t\n\r]*/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON texts may not hold them
const TEXT = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const PLAIN = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])|(?:true|false|null)(?!\w)/y;

class Fault extends Error {
  readonly offset: number;

  constructor(offset: number, message: string) {
    super(message);
    this.offset = offset;
  }
}

/** A JSON text's value, or where and why it is none; the engine's own parser does not tell where. */
export function parseJson(text: string): { value: unknown; problem?: never } | { problem: string } {
  try {
    const value: unknown = JSON.parse(text);
    // Schemas go down by recursion, which has an end.
    return isTooDeep(value) ? { problem: `the file is ${TOO_DEEP}` } : { value };
  } catch {
    return { problem: faultOf(text) };
  }
}

function isTooDeep(value: unknown): boolean {
  let level = [value];
  for (let depth = 0; depth <= DEPTH_MAX && level.length > 0; depth++) {
    level = level.flatMap((item) => (item !== null && typeof item === "object" ? Object.values(item) : []));
  }
  return level.length > 0;
}

function faultOf(text: string): string {
  try {
    const end = skip(BLANK, text, checkValue(text, skip(BLANK, text, 0), 0));
    if (end < text.length) throw new Fault(end, "something stands after the end of the JSON; take it out");
    return "the file is no JSON";
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    const before = text.slice(0, error.offset).split("\n");
    return `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}: ${error.message}`;
  }
}

function checkValue(text: string, offset: number, depth: number): number {
  if (depth > DEPTH_MAX) throw new Fault(offset, TOO_DEEP);
  const first = text[offset];
  if (first === "{") return checkMembers(text, offset, "}", depth);
  if (first === "[") return checkMembers(text, offset, "]", depth);
  if (first === '"') return checkQuoted(text, offset);
  const end = skip(PLAIN, text, offset);
  if (end === offset) throw new Fault(offset, reasonAt(text, offset, "a value"));
  return end;
}

/** The inside of an object or a list, from its opening bracket to behind its closing one. */
function checkMembers(text: string, start: number, closing: "}" | "]", depth: number): number {
  let offset = skip(BLANK, text, start + 1);
  if (text[offset] === closing) return offset + 1;
  while (true) {
    if (closing === "}") offset = skip(BLANK, text, checkKey(text, offset));
    offset = skip(BLANK, text, checkValue(text, offset, depth + 1));
    if (text[offset] === closing) return offset + 1;
    if (text[offset] !== ",") throw new Fault(offset, reasonAt(text, offset, `"," or "${closing}"`));
    const comma = offset;
    offset = skip(BLANK, text, offset + 1);
    if (text[offset] === closing) throw new Fault(comma, `a comma stands before "${closing}"; take it out`);
  }
}

function checkKey(text: string, offset: number): number {
  if (text[offset] !== '"') throw new Fault(offset, reasonAt(text, offset, "a key in double quotes"));
  const colon = skip(BLANK, text, checkQuoted(text, offset));
  if (text[colon] !== ":") throw new Fault(colon, reasonAt(text, colon, '":"'));
  return colon + 1;
}

function checkQuoted(text: string, offset: number): number {
  const end = skip(TEXT, text, offset);
  if (end === offset) {
    throw new Fault(
      offset,
      'a text does not end on its line, or has a wrong escape; close it with " and write \\ as \\\\',
    );
  }
  return end;
}

function reasonAt(text: string, offset: number, expected: string): string {
  if (offset >= text.length) return `the file ends where ${expected} is expected; it was cut off`;
  if (/^\/[/*]/.test(text.slice(offset, offset + 2)) || text[offset] === "#")
    return "JSON has no comments; take it out";
  return `${expected} is expected here`;
}

function skip(pattern: RegExp, text: string, offset: number): number {
  pattern.lastIndex = offset;
  return pattern.test(text) ? pattern.lastIndex : offset;
}
