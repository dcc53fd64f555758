import { listen } from "../safe.ts";
import type { Observed } from "./core.ts";

// Frameworks set the title a moment after the address.
const titleMs = 50;

/** Views of an application that changes its address without loading a page. */
export function watchMoves({ bind, land, options, on, url, view }: Observed): void {
  let knownUrl = url;
  let pendingUrl = "";
  let timer: ReturnType<typeof setTimeout>;

  const address = () => (options.hash === undefined ? location.href.replace(/#.*/, "") : location.href);
  const place = (at: string) => (options.ignoreQuery === undefined ? at : at.replace(/\?[^#]*/, ""));

  function viewPending(): void {
    clearTimeout(timer);
    const at = pendingUrl;
    pendingUrl = "";
    if (at) view({}, at);
  }

  function moved(how?: string | null): void {
    const link = bind();
    const at = address();
    if (link) land(link, at);
    // Before the first view there is nothing to move from.
    if (!knownUrl || place(at) === place(pendingUrl || knownUrl)) return;
    // A replacement right after a push is a redirect: one view, of where it ended.
    if (how !== "replace") viewPending();
    clearTimeout(timer);
    pendingUrl = at;
    timer = setTimeout(viewPending, titleMs);
  }

  on("view", (at: string) => {
    knownUrl = at;
  });
  on("leave", viewPending);
  if (window.navigation) {
    navigation.addEventListener("currententrychange", (event) => moved(event.navigationType));
  } else {
    for (const name of ["pushState", "replaceState"] as const) {
      const original = history[name];
      history[name] = (...given) => {
        original.apply(history, given);
        moved(name.slice(0, -5));
      };
    }
    listen(window, "popstate hashchange", () => moved());
  }
  // It may have moved while this part was on its way.
  moved();
}
