import type { Observed } from "./core.ts";
import { listenOnce } from "./listen-once.ts";

const restMs = 500;
const stepPercent = 25;

/** Depth is told once a visitor scrolls: a page that is still empty would show its end at once. */
export function watchScroll({ on, track }: Observed): void {
  let reached = 0;
  let scrolled: Element | null = null;

  function measure(trailing?: boolean): void {
    if (!scrolled) return;
    const { scrollTop, scrollHeight, clientHeight } = scrolled;
    scrolled = null;
    // A small box that scrolls is not the page; the last pixel is often only reached in part.
    const percent = clientHeight * 2 < innerHeight ? 0 : ((scrollTop + clientHeight + 1) / scrollHeight) * 100;
    while (reached < 100 && percent >= reached + stepPercent) {
      reached += stepPercent;
      track("scroll_depth", { percent: reached }, trailing);
    }
  }

  // The browser calls back after it has laid out the page, so that reading sizes costs no layout of its own.
  const afterLayout = new ResizeObserver(() => {
    afterLayout.disconnect();
    measure();
    listen();
  });
  const listen = () =>
    listenOnce("scroll", ({ target }) => {
      scrolled = target instanceof Element ? target : document.scrollingElement;
      setTimeout(() => (scrolled ? afterLayout.observe(scrolled) : listen()), restMs);
    });

  listen();
  // Whoever leaves does not wait for the rest to end.
  on("leave", () => measure(true));
  on("view", () => {
    reached = 0;
  });
}
