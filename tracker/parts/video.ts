import type { Observed } from "./core.ts";
import { type Tell, watchEmbeds } from "./embeds.ts";

const marks = [0, 25, 50, 75, 100];
const nameCharactersMax = 200;

/** Each step once per view and player: play, three quarters, the end. */
export function watchVideo({ hear, on, track }: Observed): void {
  let told = new WeakMap<EventTarget, number>();

  const tell: Tell = (player, video, provider, percent, ended) => {
    for (const mark of marks) {
      if (mark <= (told.get(player) ?? -1) || !(ended || (mark < 100 && percent >= mark))) continue;
      told.set(player, mark);
      if (mark === 0) track("video_play", { video, provider });
      else if (mark === 100) track("video_complete", { video, provider });
      else track("video_progress", { video, provider, percent: mark });
    }
  };

  const played = ({ target, type }: Event) => {
    // A muted loop is decoration.
    if (!(target instanceof HTMLVideoElement) || (target.loop && target.muted)) return;
    // The rest of an address is a signature or a whole film.
    const source = target.currentSrc.replace(/[?#,].*/s, "").slice(0, nameCharactersMax);
    const name = target.dataset.intent || target.id || source;
    tell(target, name, "html", (target.currentTime / target.duration) * 100 || 0, type === "ended");
  };

  on("view", () => {
    told = new WeakMap();
  });
  // They do not bubble, but are seen on the way down.
  hear("playing timeupdate ended", played);
  watchEmbeds(tell, hear);
}
