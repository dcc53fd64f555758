import type { Metadata, Options } from "../types.ts";

/** What the core hands to a part that came later. */
export interface Core {
  options: Options;
  track(event: string, metadata?: Metadata, trailing?: boolean): void;
  on(name: string, listener: (happening: never, path: EventTarget[]) => void): void;
  view(metadata?: Metadata, url?: string): void;
  touch(): string;
  url: string;
  startMs: number;
}
