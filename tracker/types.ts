/** What may ride along with an event: plain values, a few levels deep. */
export type Metadata = Record<string, unknown>;

/** Who somebody says they are; further keys become traits of the person. */
export interface Identity {
  email?: string;
  user_id?: string;
  phone?: string;
  name?: string;
  [trait: string]: unknown;
}

/** What a server of the page's own vouches with: `user_hash` is hex HMAC-SHA256 over `user_id` or `email`, or a JWT. */
export interface Proof {
  user_hash?: string;
}

/** One event as it goes over the wire. */
export interface TrackedEvent {
  event: string;
  event_id: string;
  anonymous_id: string;
  session_id: string;
  url: string;
  referrer: string;
  timestamp: number;
  metadata: Metadata;
}

/** The script tag gives the same as `data-*` attributes: `data-key`, `data-auto`, `data-ignore-query`, … */
export interface Options {
  /** Where events go, for example `https://intent.example.com`. */
  endpoint: string;
  /** The public write key, where the server asks for one. */
  key?: string;
  /** The path for events, where it is not `/v1/e`. */
  path?: string;
  /** Which observers run, out of `page scroll time click form video copy`; all of them unless said. */
  auto?: string;
  /** `"required"` stores and sends nothing until `consent(true)`. */
  consent?: string;
  /** Present: another `#hash` is another page. */
  hash?: string;
  /** Present: another `?query` is not another page. */
  ignoreQuery?: string;
  /** Present: asks for what may be shown to the visitor, also where no element of the page does. */
  personalize?: string;
}

/**
 * What the tracker tells: each event, the address of each view, a leave (`true` when the page is gone), what the page
 * may say to its visitor, and that an embedded form was taken.
 */
export interface Happenings {
  event: TrackedEvent;
  view: string;
  leave: boolean;
  personalized: Record<string, string>;
  lead_magnet: { slug: string; download_url: string | null; booking_url: string | null };
}

export interface DoIntent {
  /** Says who the visitor is; `user_hash` is the server's signature over it. */
  identify(identity: Identity, proof?: Proof): void;
  /** Records that something happened. */
  track(event: string, metadata?: Metadata): void;
  /** Records a page view by hand. */
  page(metadata?: Metadata): void;
  /** Gives or withdraws consent; withdrawing erases every id and everything unsent. */
  consent(granted: boolean): void;
  /** Makes the browser a new visitor, for example after a log-out. */
  reset(): void;
  /** Stops for good in this browser. */
  optOut(): void;
  /** The anonymous id, where there is one. */
  id(): string | undefined;
  /** Calls back for each happening; the page hears the same as `do-intent:event` and so on. */
  on<Name extends keyof Happenings>(name: Name, listener: (happening: Happenings[Name]) => void): void;
}

/** A call that was made before the script was there. */
export type Call = [name: string, given: Iterable<unknown>];
