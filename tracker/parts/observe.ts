import { on } from "../bus.ts";
import { guard, listen } from "../safe.ts";
import { watchLandings } from "./campaign.ts";
import { watchClicks } from "./clicks.ts";
import { watchCopy } from "./copy.ts";
import type { Core, Handed, Observed } from "./core.ts";
import { watchForms } from "./forms.ts";
import { watchMoves } from "./moves.ts";
import { watchDemand } from "./on-demand.ts";
import { watchScroll } from "./scroll.ts";
import { watchTime } from "./time.ts";
import { watchVideo } from "./video.ts";

const observers = {
  page: watchMoves,
  time: watchTime,
  scroll: watchScroll,
  click: watchClicks,
  form: watchForms,
  video: watchVideo,
  copy: watchCopy,
};

/** All that is seen of a page without being told; it comes a moment after the first view, and is given the core in order. */
export function observe(...given: Handed): void {
  const [options, api, track, view, touch, bind, landed, url, startMs, early] = given;
  const core: Core = { options, api, track, view, touch, bind, landed, url, startMs, early };
  const handlers: [type: string, handler: (event: never, path: EventTarget[]) => void][] = [];
  const hear: Observed["hear"] = (types, handler) => {
    listen(window, types, (event) => handler(event as never, event.composedPath()));
    for (const type of types.split(" ")) handlers.push([type, guard(handler)]);
  };
  // Not one of those that can be switched off: whoever sends links wants to know who came.
  const land = watchLandings(core);
  const wanted = core.options.auto?.split(/\W+/);
  for (const [name, watch] of Object.entries(observers)) {
    if (!wanted || wanted.includes(name)) guard(watch)({ ...core, hear, on, land });
  }
  guard(watchDemand)({ ...core, hear, on, land });
  // From here on nobody needs them kept.
  core.early.push = () => 0;
  for (const [event, path] of core.early.splice(0)) {
    for (const [type, handler] of handlers) if (type === event.type) handler(event as never, path);
  }
}
