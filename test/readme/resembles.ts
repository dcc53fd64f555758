const TOLERANCE = 0.011;
const ANYTHING = "…";

/**
 * Where what came out differs from what a page shows of it. In the page, `…` in a text stands for anything, and
 * `"…": "…"` for further keys and a last `"…"` for further items; numbers are shown rounded to hundredths.
 */
export function differences(shown: unknown, real: unknown, place = "$"): string[] {
  if (typeof shown === "string" && shown.includes(ANYTHING)) {
    return typeof real === "string" && globOf(shown).test(real) ? [] : [say(place, shown, real)];
  }
  if (typeof shown === "number" && typeof real === "number") {
    return Math.abs(shown - real) <= TOLERANCE ? [] : [say(place, shown, real)];
  }
  if (Array.isArray(shown) && Array.isArray(real)) {
    const isOpen = shown.at(-1) === ANYTHING;
    const items = isOpen ? shown.slice(0, -1) : shown;
    if (!isOpen && items.length !== real.length) return [say(`${place}.length`, items.length, real.length)];
    return items.flatMap((item, index) => differences(item, real[index], `${place}[${index}]`));
  }
  if (isObject(shown) && isObject(real)) {
    const surplus = ANYTHING in shown ? [] : Object.keys(real).filter((key) => !(key in shown));
    return [
      ...surplus.map((key) => `${place}.${key} came out and is not shown`),
      ...Object.entries(shown).flatMap(([key, value]) =>
        key === ANYTHING ? [] : differences(value, real[key], `${place}.${key}`),
      ),
    ];
  }
  return shown === real ? [] : [say(place, shown, real)];
}

/** The JSON values of a text, whether lines part them or nothing does. */
export function jsonValues(text: string): unknown[] {
  const values: unknown[] = [];
  let start = 0;
  let depth = 0;
  let isInString = false;
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index];
    if (isInString && character === "\\") index += 1;
    else if (character === '"') isInString = !isInString;
    else if (isInString) continue;
    else if (character === "{" || character === "[") depth += 1;
    else if ((character === "}" || character === "]") && --depth === 0) {
      values.push(JSON.parse(text.slice(start, index + 1)));
      start = index + 1;
    }
  }
  if (text.slice(start).trim() !== "") throw new Error(`what ends this is no JSON: ${text.slice(start)}`);
  return values;
}

/** The same for lines of text; runs of blanks are one, since columns move with what stands in them. */
export function differingLines(shown: string, real: string): string[] {
  const shownLines = linesOf(shown);
  const realLines = linesOf(real);
  if (shownLines.length !== realLines.length) return [say("lines", shown, real)];
  return shownLines.flatMap((line, index) => {
    const said = realLines[index] ?? "";
    return isSameLine(line, said) ? [] : [say(`line ${index + 1}`, line, said)];
  });
}

const AMOUNT = /(-?\d+\.\d\d)/;

/** Amounts may differ by a hundredth: time goes on while a page is being followed. */
function isSameLine(shown: string, real: string): boolean {
  const parts = shown.split(AMOUNT);
  const pattern = parts.map((part, index) => (index % 2 === 0 ? patternOf(part) : AMOUNT.source));
  const amounts = new RegExp(`^${pattern.join("")}$`).exec(real)?.slice(1);
  if (amounts === undefined) return false;
  const shownAmounts = parts.filter((_, index) => index % 2 === 1);
  return shownAmounts.every((amount, index) => Math.abs(Number(amount) - Number(amounts[index])) <= TOLERANCE);
}

function linesOf(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.trim().replace(/\s+/g, " "))
    .filter((line) => line !== "");
}

function globOf(shown: string): RegExp {
  return new RegExp(`^${patternOf(shown)}$`);
}

function patternOf(shown: string): string {
  return shown.split(ANYTHING).map(RegExp.escape).join("[^]*?");
}

function isObject(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

function say(place: string, shown: unknown, real: unknown): string {
  return `${place}: the page shows ${JSON.stringify(shown)}, and ${JSON.stringify(real)} came out`;
}
