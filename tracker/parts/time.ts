import { listen } from "../safe.ts";
import type { Observed } from "./core.ts";
import { listenOnce } from "./listen-once.ts";

const marksMs = [15_000, 60_000, 180_000];
// Somebody who has not moved for so long has left the screen, whatever the tab believes.
const idleMsMax = 5 * 60 * 1000;
const noticeMs = 1000;

/** Time in sight and in focus, told at marks and on leaving; whoever leaves may come back, so the largest is the last. */
export function watchTime({ on, startMs, touch, track }: Observed): void {
  let activeMs = 0;
  let toldMs = 0;
  let sinceMs = startMs;
  let lastInputMs = performance.now();
  let timer: ReturnType<typeof setTimeout>;

  function tell(ms: number, leaving?: true): void {
    toldMs = ms;
    track("time_on_page", { seconds: Math.round(ms) / 1000, leaving }, leaving);
  }

  function fold(): void {
    const nowMs = performance.now();
    if (sinceMs) activeMs += Math.max(0, Math.min(nowMs, lastInputMs + idleMsMax) - sinceMs);
    sinceMs = document.hasFocus() && !document.hidden ? nowMs : 0;
    clearTimeout(timer);
    for (const mark of marksMs) {
      // A timer may come a moment early; a mark is never told short.
      if (mark > toldMs && activeMs >= mark - 1) tell(Math.max(activeMs, mark));
      if (mark > toldMs && sinceMs) {
        timer = setTimeout(fold, Math.max(mark - activeMs, 1));
        break;
      }
    }
  }

  function restart(): void {
    activeMs = 0;
    toldMs = 0;
    sinceMs = 0;
    lastInputMs = performance.now();
    fold();
  }

  fold();
  on("view", restart);
  on("leave", (gone: boolean) => {
    fold();
    if (activeMs > toldMs) tell(activeMs, true);
    // The browser says twice that a page goes, and the second time is no time.
    if (gone) sinceMs = 0;
  });
  listen(window, "visibilitychange focus blur pageshow", fold);
  // Input keeps the session alive between events.
  const notice = () =>
    listenOnce("pointermove pointerdown keydown scroll", () => {
      const nowMs = performance.now();
      if (nowMs - lastInputMs > idleMsMax) fold();
      lastInputMs = nowMs;
      touch();
      setTimeout(notice, noticeMs);
    });
  notice();
}
