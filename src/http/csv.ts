/** What a spreadsheet takes for the beginning of a formula, in either width; a formula in a list may send its reader's data away. */
const FORMULA_PATTERN = /^[=+\-@\t\r\n＝＋－＠]/;
/** Signs in front of digits and what stands between them calculate nothing: phone numbers and negative amounts stay as they are. */
const NUMBER_PATTERN = /^[+-]?[\d\s().,/\u00a0]+(?:(?:-|ext|x)[\d\s().]+)*%?$/i;
const SPECIAL_PATTERN = /[",;\t\r\n]|^\s|\s$/;

/** A line of RFC 4180; what looks like a formula gets an apostrophe in front. */
export function csvLine(cells: readonly string[]): string {
  return `${cells.map(csvCell).join(",")}\r\n`;
}

function csvCell(cell: string): string {
  const text = FORMULA_PATTERN.test(cell) && !NUMBER_PATTERN.test(cell) ? `'${cell}` : cell;
  return SPECIAL_PATTERN.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** For answers that are lists: the file's name is what a browser saves it under. */
export function csvHeaders(fileName: string): { [name: string]: string } {
  return {
    "content-type": "text/csv; charset=utf-8",
    "content-disposition": `attachment; filename="${fileName}"`,
    "cache-control": "no-store",
  };
}
