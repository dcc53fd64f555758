import type { Observed } from "./core.ts";

// What a page that asks for a part has in it.
const askedBy = {
  personalize: "[data-personalize],[data-show-if],[data-hide-if]",
  magnet: "[data-lead-magnet]",
};
const restMs = 250;
const restMsMax = 4000;

/** Parts that few pages need come when one asks for them, also with what an application draws later. */
export function watchDemand(core: Observed): void {
  const { api, options, on } = core;
  let nextMs = restMs;
  const missing = new Map(Object.entries(askedBy));
  const changes = new MutationObserver(() => {
    // One look after a rest, however much changes until then, and the rests grow: a page that never stops changing pays
    // for being watched.
    changes.disconnect();
    setTimeout(look, nextMs);
    nextMs = Math.min(nextMs * 2, restMsMax);
  });

  function look(): void {
    for (const [name, selector] of missing) {
      if (!document.querySelector(selector) && !(name === "personalize" && options.personalize !== undefined)) continue;
      // Whoever has withdrawn is asked nothing more. Only now, because asking makes a new visitor's id.
      if (!api?.id()) continue;
      missing.delete(name);
      import(`${options.endpoint}/s/${name}.js`).then((part) => part.start(core)).catch(console.warn);
    }
    if (missing.size) changes.observe(document, { childList: true, subtree: true });
  }

  look();
  // After the view is told: a new visitor's id is made with it, where the tabs wait for each other.
  on("view", () => {
    nextMs = restMs;
    setTimeout(look, restMs);
  });
}
