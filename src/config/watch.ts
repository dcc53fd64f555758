import { statSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import type { IntentConfig } from "./intent.ts";
import { readIntentConfig } from "./read.ts";

const POLL_MS = 500;

export type LoadedIntent = { config: IntentConfig; hash: string };

export type ConfigWatchOptions = {
  path: string;
  /** What is in force when the watch begins. */
  loaded: LoadedIntent;
  /** Another config is in force, or the same one again after it was broken. */
  onChange: (loaded: LoadedIntent) => void;
  /** The last good config stays in force. */
  onBroken: (problems: string[]) => void;
  everyMs?: number;
};

/** `reload` looks at once, as after a SIGHUP. */
export type ConfigWatch = { reload(): void; stop(): void };

/**
 * Looks at the file again and again instead of waiting for the system's word: that gets lost when an editor puts a new
 * file in place of the old one, and on network and container mounts.
 */
export function watchConfig({ path, loaded, onChange, onBroken, everyMs = POLL_MS }: ConfigWatchOptions): ConfigWatch {
  let current = loaded;
  let isBroken = false;
  let readMark: string | null = null;
  let seenMark: string | null = null;
  const reload = (): void => {
    readMark = markOf(path);
    const next = readIntentConfig(path);
    if (next.problems !== undefined) {
      isBroken = true;
      onBroken(next.problems);
      return;
    }
    // Secrets are no part of the hash.
    const isNew =
      next.hash !== current.hash || !isDeepStrictEqual(next.config.destinations, current.config.destinations);
    if (!isNew && !isBroken) return;
    isBroken = false;
    current = next;
    onChange(next);
  };
  const timer = setInterval(() => {
    const mark = markOf(path);
    // A file that is just being written or replaced is left alone until it rests.
    if (mark !== readMark && mark === seenMark) reload();
    seenMark = mark;
  }, everyMs);
  timer.unref();
  return { reload, stop: () => clearInterval(timer) };
}

/** Differs whenever the file was written, replaced, removed or put back. */
function markOf(path: string): string {
  try {
    const { mtimeNs, ctimeNs, size, ino } = statSync(path, { bigint: true });
    return [mtimeNs, ctimeNs, size, ino].join(" ");
  } catch {
    return "unreadable";
  }
}
