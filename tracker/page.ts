import { attribution } from "./attribution.ts";
import { emit } from "./bus.ts";
import { bindCampaignLink, campaignLink } from "./identity.ts";
import { droppedKey } from "./outbox.ts";
import { listen } from "./safe.ts";
import { resume, sendOnLeaving } from "./send.ts";
import { settleSession } from "./session.ts";
import { options, running } from "./settings.ts";
import { forget, read } from "./store.ts";
import { pageUrl, setPage, track } from "./track.ts";
import type { Metadata } from "./types.ts";

let viewed = false;

/** When the view at hand began, by the clock of the page. */
export let startMs: number;

/** The campaign link that this page was opened with. */
export let landed = "";

const address = (): string => location.href.replace(options.hash == null ? /#.*/ : "", "");

export function view(metadata?: Metadata, url = address()): void {
  if (viewed) emit("leave", false);
  setPage(url, viewed ? pageUrl : document.referrer);
  viewed = true;
  startMs = performance.now();
  emit("view", url);
  const known = {
    title: document.title,
    page_class: document.querySelector<HTMLElement>("[data-page-class]")?.dataset.pageClass,
    not_found: !!document.querySelector("[data-not-found]") || undefined,
    viewport_width: innerWidth,
    viewport_height: innerHeight,
    language: navigator.language,
    webdriver: navigator.webdriver || undefined,
    campaign_link: campaignLink(),
    dropped: +read(droppedKey) || undefined,
  };
  forget(droppedKey);
  track("page_view", { ...known, ...metadata }, false, attribution);
}

/** A page that is prepared but never seen must leave no trace, not even an id. */
export function whenActivated(begin: () => void): void {
  if ((document as { prerendering?: true }).prerendering) listen(document, "prerenderingchange", begin);
  else begin();
}

/** What happens before the first view happens here. */
export function arrive(): void {
  viewed = false;
  landed = bindCampaignLink();
  setPage(address(), document.referrer);
}

/** A tab in the background is viewed when it is first seen; one from the back button is viewed anew. */
export function seen(): void {
  if ((options.auto || "page").includes("page") && !viewed && !document.hidden) view();
}

export function watchPage(ready: () => void): void {
  listen(window, "visibilitychange pagehide pageshow online", ({ type }) => {
    const gone = type === "pagehide";
    const leaves = gone || document.hidden;
    if (leaves) ready();
    if (!running) return;
    seen();
    if (leaves) {
      emit("leave", gone);
      settleSession();
      sendOnLeaving();
      if (gone) viewed = false;
    } else {
      resume(type === "online");
    }
  });
}
