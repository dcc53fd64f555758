import { expect, test } from "bun:test";
import { createProgressBar } from "../../src/commands/progress.ts";

test("a bar is drawn ten times a second at most, and taken away at the end", () => {
  const drawn: string[] = [];
  let nowMs = 0;
  const bar = createProgressBar({ columns: 80, write: (text) => drawn.push(text) }, () => nowMs);
  for (const share of [0, 0.1, 0.5, 1, 1.2]) {
    bar.show(share, `${share * 10} leads`);
    nowMs += 60;
  }
  bar.end();
  bar.end();
  expect(drawn).toEqual([
    `\r${"░".repeat(30)}   0 %  0 leads`,
    `\r${"█".repeat(15)}${"░".repeat(15)}  50 %  5 leads`,
    `\r${"█".repeat(30)} 100 %  12 leads`,
    "\r\u001b[K",
  ]);
});

test.each([[null], [{ columns: 20 }]])("nothing is drawn where there is no room or nobody looks: %p", (terminal) => {
  const drawn: string[] = [];
  const write = (text: string) => void drawn.push(text);
  const bar = createProgressBar(terminal === null ? null : { ...terminal, write });
  bar.show(0.5, "x");
  bar.end();
  expect(drawn).toEqual([]);
});
