import type { Metadata, Options } from "../types.ts";

/** What the visitor did before the observers were there, each with the way it took through the page. */
export type Early = [event: Event, path: EventTarget[]][];

/** What the core hands to a part that came later. */
export interface Core {
  options: Options;
  track(event: string, metadata?: Metadata, trailing?: boolean): void;
  view(metadata?: Metadata, url?: string): void;
  touch(): string;
  url: string;
  startMs: number;
  early: Early;
}

/** The core, and the page's own events: those from before too. */
export interface Observed extends Core {
  on(name: string, listener: (happening: never) => void): void;
  hear(types: string, handler: (event: never, path: EventTarget[]) => void): void;
}
