const DEPTH_MAX = 100;
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

/** Line, column and reason of what keeps a text from being JSON; the engine's own parser does not tell where. */
export function jsonFaultOf(text: string): { line: number; column: number; message: string } | null {
  try {
    const end = skip(BLANK, text, value(text, skip(BLANK, text, 0), 0));
    if (end < text.length) throw new Fault(end, "something stands after the end of the JSON; take it out");
    return null;
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    const before = text.slice(0, error.offset).split("\n");
    return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1, message: error.message };
  }
}

function value(text: string, offset: number, depth: number): number {
  if (depth > DEPTH_MAX) throw new Fault(offset, `nested deeper than ${DEPTH_MAX}; flatten it`);
  const first = text[offset];
  if (first === "{") return members(text, offset, "}", depth);
  if (first === "[") return members(text, offset, "]", depth);
  if (first === '"') return quoted(text, offset);
  const end = skip(PLAIN, text, offset);
  if (end === offset) throw new Fault(offset, reasonAt(text, offset, "a value"));
  return end;
}

/** The inside of an object or a list, from its opening bracket to behind its closing one. */
function members(text: string, start: number, closing: "}" | "]", depth: number): number {
  let offset = skip(BLANK, text, start + 1);
  if (text[offset] === closing) return offset + 1;
  while (true) {
    if (closing === "}") offset = skip(BLANK, text, key(text, offset));
    offset = skip(BLANK, text, value(text, offset, depth + 1));
    if (text[offset] === closing) return offset + 1;
    if (text[offset] !== ",") throw new Fault(offset, reasonAt(text, offset, `"," or "${closing}"`));
    const comma = offset;
    offset = skip(BLANK, text, offset + 1);
    if (text[offset] === closing) throw new Fault(comma, `a comma stands before "${closing}"; take it out`);
  }
}

function key(text: string, offset: number): number {
  if (text[offset] !== '"') throw new Fault(offset, reasonAt(text, offset, "a key in double quotes"));
  const colon = skip(BLANK, text, quoted(text, offset));
  if (text[colon] !== ":") throw new Fault(colon, reasonAt(text, colon, '":"'));
  return colon + 1;
}

function quoted(text: string, offset: number): number {
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
