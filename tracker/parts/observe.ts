import { guard } from "../safe.ts";
import { watchClicks } from "./clicks.ts";
import { watchCopy } from "./copy.ts";
import type { Core } from "./core.ts";
import { watchForms } from "./forms.ts";
import { watchMoves } from "./moves.ts";
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

/** All that is seen of a page without being told; it comes a moment after the first view. */
export function observe(core: Core): void {
  const wanted = core.options.auto?.split(/\W+/);
  for (const [name, watch] of Object.entries(observers)) {
    if (!wanted || wanted.includes(name)) guard(watch)(core);
  }
}
