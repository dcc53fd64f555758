import type { DoIntent, Metadata, Options } from "../types.ts";

/** What the visitor did before the observers were there, each with the way it took through the page. */
export type Early = [event: Event, path: EventTarget[]][];

/** What the core hands to a part that came later. */
export interface Core {
  options: Options;
  track(event: string, metadata?: Metadata, trailing?: boolean, extend?: undefined, url?: string): void;
  view(metadata?: Metadata, url?: string): void;
  touch(): string;
  /** Takes a campaign link out of the address and gives it back, or nothing. */
  bind(): string;
  /** The link this page was opened with. */
  landed: string;
  api: DoIntent;
  url: string;
  startMs: number;
  early: Early;
}

/** The same in order: names that two scripts share cannot be made short, and the core has no room for them. */
export type Handed = [
  ...[Core["options"], Core["api"], Core["track"], Core["view"], Core["touch"]],
  ...[Core["bind"], Core["landed"], Core["url"], Core["startMs"], Core["early"]],
];

/** The core, and the page's own events: those from before too. */
export interface Observed extends Core {
  on(name: string, listener: (happening: never) => void): void;
  /** A page opened by a campaign link is waited on for a human hand. */
  land(link: string, url: string): void;
  hear(types: string, handler: (event: never, path: EventTarget[]) => void): void;
}
