import { on } from "./bus.ts";
import { anonymousId, bindCampaignLink, retireId } from "./identity.ts";
import { arrive, landed, seen, startMs, view, watchPage, whenActivated } from "./page.ts";
import type { Early } from "./parts/core.ts";
import { honoured } from "./policy.ts";
import { guard, listen } from "./safe.ts";
import { endSession, touchSession, waiting } from "./session.ts";
import { options, running, setRunning } from "./settings.ts";
import { eraseAll, forget, stoppedKey, stored, write } from "./store.ts";
import { identify, pageUrl, track } from "./track.ts";
import type { Call, DoIntent, Metadata, Options } from "./types.ts";

const consentKey = "_di.c";
// In place of "required", on a page that ran without consent.
const stoppedHere = "-";

const early: Early = [];
let calls: Call[] = [];
let watching = false;

function allowed(): boolean {
  // They say yes with `true` or with "1".
  const signalled = honoured.some((signal) => +(navigator[signal as "doNotTrack"] as string) === 1);
  return !signalled && !stored[stoppedKey] && (!options.consent || !!stored[consentKey]);
}

function begin(): void {
  if (running || !allowed()) return;
  setRunning(true);
  arrive();
  replay();
  // A task for each that follows: the first use of a store waits for another process, and the page gets its turn between.
  setTimeout(seen);
  if (watching) return;
  watching = true;
  setTimeout(() =>
    listen(window, "storage", (event) => {
      if ((event as StorageEvent).key === stoppedKey) stop();
    }),
  );
  // The nonce of the tag lets the import in too.
  setTimeout(() =>
    import(`${options.endpoint}/s/observe.js`)
      .then((part) =>
        part.observe(options, api, track, view, touchSession, bindCampaignLink, landed, pageUrl, startMs, early),
      )
      .catch(console.warn),
  );
}

function replay(): void {
  for (const [name, given] of calls.splice(0)) api[name]?.(...((given ?? []) as never[]));
}

/** What the start leaves to a task of its own; who cannot wait for that calls it before, and twice is as good as once. */
function ready(): void {
  replay();
  whenActivated(begin);
}

function stop(): void {
  setRunning(false);
  options.consent ||= stoppedHere;
  // What still waits for another tab would be stored after all.
  waiting.length = 0;
  eraseAll();
}

function optOut(): void {
  write(stoppedKey, 1);
  stop();
}

const api: Record<string, (...given: never[]) => unknown> = {
  identify,
  track(event: string, metadata?: Metadata) {
    if (typeof event !== "string") throw "track";
    track(event, metadata);
  },
  page: view,
  reset() {
    retireId();
    endSession();
  },
};

// Until it may run, calls wait in memory.
for (const [name, action] of Object.entries(api)) {
  api[name] = guard((...given) => (running ? action(...given) : calls.push([name, given])));
}

Object.assign(api, {
  consent(granted: boolean) {
    // What stopped for good stays so; what was withdrawn may be given again.
    if (+(stored[stoppedKey] as string)) return;
    forget(stoppedKey);
    if (granted) {
      write(consentKey, 1);
      whenActivated(begin);
    } else {
      write(stoppedKey, 0);
      stop();
      // Where nothing runs without consent, it was for the other tabs to hear, and no byte is kept.
      if (options.consent !== stoppedHere) forget(stoppedKey);
    }
  },
  optOut,
  id() {
    ready();
    return running ? anonymousId() : undefined;
  },
  on,
});

export function start(given: Options, queued: Call[] = []): DoIntent {
  Object.assign(options, given);
  calls = queued;
  watchPage(ready);
  listen(window, "click focusin input submit", (event) => running && early.push([event, event.composedPath()]));
  setTimeout(ready);
  return api as unknown as DoIntent;
}
