import type { Core, Early } from "./core.ts";

const visibleMs = 5000;
// A scroll event proves nothing, because scripts scroll too; turning the wheel does.
const evidences: Record<string, string> = {
  pointermove: "moved",
  wheel: "scrolled",
  touchstart: "touched",
  pointerdown: "touched",
  click: "touched",
  keydown: "typed",
  input: "typed",
};

/**
 * Programs open every link of a mail. So a landing by a campaign link is told once a human hand shows: the browser
 * vouches for what it did itself, and a page looked at for a while counts too.
 */
export function watchLandings({ early, landed, startMs, track, url }: Core): (link: string, at: string) => void {
  const landings = new Set<string>();
  let end = () => {};

  function watch(link: string, at: string, sinceMs: number, kept: Early): void {
    // An application may put back into its address what was taken out.
    if (landings.has(link)) return;
    landings.add(link);
    end();
    const listening = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let leftMs = visibleMs;
    let seenMs = sinceMs;
    let place: string | undefined;

    function tell(evidence: string): void {
      end();
      track("campaign_click", { link, evidence, webdriver: navigator.webdriver || undefined }, false, undefined, at);
    }

    function heard(event: Event): void {
      const { isTrusted, type } = event;
      if (!isTrusted) return;
      if (type === "pointermove") {
        // A page that appears under a mouse at rest hears of it too.
        const { screenX, screenY } = event as PointerEvent;
        const before = place;
        place = `${screenX} ${screenY}`;
        if (before === undefined || before === place) return;
      }
      const evidence = evidences[type];
      if (evidence) tell(evidence);
    }

    /** Only time in sight counts, however it is cut up. */
    function look(): void {
      const nowMs = performance.now();
      if (timer) leftMs -= nowMs - seenMs;
      clearTimeout(timer);
      timer = undefined;
      if (document.hidden) return;
      seenMs = nowMs;
      timer = setTimeout(() => tell("visible"), Math.max(0, leftMs));
    }

    end = () => {
      listening.abort();
      clearTimeout(timer);
      end = () => {};
    };
    const how = { capture: true, passive: true, signal: listening.signal };
    for (const type of Object.keys(evidences)) addEventListener(type, heard, how);
    for (const type of ["visibilitychange", "pageshow"]) addEventListener(type, look, how);
    if (!document.hidden) leftMs -= Math.max(0, performance.now() - sinceMs);
    look();
    for (const [event] of kept) heard(event);
  }

  if (landed) watch(landed, url, startMs || performance.now(), early);
  return (link, at) => watch(link, at, performance.now(), []);
}
