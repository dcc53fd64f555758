/** Lines of requests are left out while more than this was written and not taken. */
const UNTAKEN_CHARACTERS_MAX = 4_194_304;

let untaken = 0;

/** A line to standard output. */
export function writeLine(line: string): void {
  const text = `${line}\n`;
  untaken += text.length;
  process.stdout.write(text, () => {
    untaken -= text.length;
  });
}

/** Whether whoever reads the output is far behind: what they do not take is held in memory. */
export function isOutputBehind(): boolean {
  return untaken > UNTAKEN_CHARACTERS_MAX;
}
