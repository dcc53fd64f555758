import { attempt, listen } from "../safe.ts";
import type { Observed } from "./core.ts";

export type Tell = (player: EventTarget, video: string, provider: string, percent: number, ended?: boolean) => void;

const youtube = /^https:\/\/((www|m)\.)?youtube(-nocookie)?\.com\/embed\//;
const vimeo = /^https:\/\/player\.vimeo\.com\/video\//;
const againMs = 1000;
const greetingsMax = 10;
const ask = { youtube: "listening", vimeo: "addEventListener" };

interface Said {
  event?: string;
  info?: { playerState?: number; currentTime?: number; duration?: number };
  data?: { percent?: number };
}

const nameOf = ({ src }: HTMLIFrameElement): string => src.replace(/[?#].*/, "");

/** A player only speaks to those who ask. That is no secret, and some addresses lead on to another origin's player. */
function greet({ contentWindow, src }: HTMLIFrameElement): void {
  const say = (message: object) => contentWindow?.postMessage(JSON.stringify(message), "*");
  if (youtube.test(src)) say({ event: ask.youtube, id: "do-intent", channel: "widget" });
  if (vimeo.test(src)) for (const value of ["play", "timeupdate", "ended"]) say({ method: ask.vimeo, value });
}

/** Embedded players of YouTube (with `enablejsapi=1`) and Vimeo, through the messages they offer. */
export function watchEmbeds(tell: Tell, hear: Observed["hear"]): void {
  const players = new Set<HTMLIFrameElement>();
  const answered = new Set<HTMLIFrameElement>();
  const playing = new Set<HTMLIFrameElement>();
  const durations = new WeakMap<HTMLIFrameElement, number>();

  function found(node: EventTarget | null): void {
    if (!(node instanceof HTMLIFrameElement) || !(youtube.test(node.src) || vimeo.test(node.src))) return;
    players.add(node);
    greetUntilHeard(node, greetingsMax);
  }

  /** It may not listen yet, and does not say when it will. */
  function greetUntilHeard(player: HTMLIFrameElement, left: number): void {
    if (!left || answered.has(player)) return;
    greet(player);
    setTimeout(() => greetUntilHeard(player, left - 1), againMs);
  }

  function heard(player: HTMLIFrameElement, { event, info, data }: Said): void {
    const name = nameOf(player);
    if (vimeo.test(player.src)) {
      // It says so when it is ready to be asked.
      if (event === "ready") greet(player);
      else if (event === "play" || event === "timeupdate" || event === "ended")
        tell(player, name, "vimeo", (data?.percent ?? 0) * 100, event === "ended");
      return;
    }
    if (event === "onReady" || event === "initialDelivery") greet(player);
    const { playerState, currentTime, duration } = info ?? {};
    if (duration) durations.set(player, duration);
    const length = durations.get(player);
    if (playerState === 1 || playerState === 0) playing.add(player);
    if (playing.has(player))
      tell(player, name, "youtube", length ? ((currentTime ?? 0) / length) * 100 : 0, playerState === 0);
  }

  for (const frame of document.querySelectorAll("iframe")) found(frame);
  // What loads is told to the document, and by the standard never to the window above it.
  listen(document, "load", ({ target }) => found(target));
  hear("message", ({ source, data }: MessageEvent) => {
    for (const player of players) {
      if (source !== player.contentWindow) continue;
      answered.add(player);
      const said: Said | undefined = typeof data === "string" ? attempt(() => JSON.parse(data)) : data;
      if (said) heard(player, said);
    }
  });
}
