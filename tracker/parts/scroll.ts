import type { Observed } from "./core.ts";

const restMs = 150;
const stepPercent = 25;

/** Depth is told once a visitor scrolls: a page that is still empty would show its end at once. */
export function watchScroll({ hear, on, track }: Observed): void {
  let reached = 0;
  let waiting = false;
  on("view", () => {
    reached = 0;
  });
  // The browser calls back after it has laid out the page, so that reading sizes costs no layout of its own.
  const afterLayout = new ResizeObserver(([entry]) => {
    afterLayout.disconnect();
    waiting = false;
    if (!entry) return;
    const { scrollTop, scrollHeight, clientHeight } = entry.target;
    // A small box that scrolls is not the page; the last pixel is often only reached in part.
    const percent = clientHeight * 2 < innerHeight ? 0 : ((scrollTop + clientHeight + 1) / scrollHeight) * 100;
    while (reached < 100 && percent >= reached + stepPercent) {
      reached += stepPercent;
      track("scroll_depth", { percent: reached });
    }
  });
  hear("scroll", ({ target }: Event) => {
    const scroller = target instanceof Element ? target : document.scrollingElement;
    if (waiting || !scroller) return;
    waiting = true;
    setTimeout(() => afterLayout.observe(scroller), restMs);
  });
}
