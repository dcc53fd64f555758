/** Where a bar can be drawn; null where nobody looks, as in a pipe or a log. */
export type Terminal = { columns: number; write: (text: string) => void } | null;

export type ProgressBar = {
  show(share: number, text: string): void;
  /** Takes the bar away. */
  end(): void;
};

const BAR_WIDTH = 30;
const EVERY_MS = 100;
const LINE_WIDTH_MIN = 60;

export function createProgressBar(terminal: Terminal, now: () => number = () => performance.now()): ProgressBar {
  if (terminal === null || terminal.columns < LINE_WIDTH_MIN) return { show: () => undefined, end: () => undefined };
  let drawnMs = Number.NEGATIVE_INFINITY;
  return {
    show: (share, text) => {
      if (now() - drawnMs < EVERY_MS) return;
      drawnMs = now();
      const done = Math.round(Math.min(1, share) * BAR_WIDTH);
      const percent = `${Math.floor(Math.min(1, share) * 100)} %`.padStart(5);
      terminal.write(`\r${"█".repeat(done)}${"░".repeat(BAR_WIDTH - done)} ${percent}  ${text}`);
    },
    end: () => {
      if (drawnMs === Number.NEGATIVE_INFINITY) return;
      drawnMs = Number.NEGATIVE_INFINITY;
      terminal.write("\r\u001b[K");
    },
  };
}
