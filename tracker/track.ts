import { emit } from "./bus.ts";
import { put } from "./outbox.ts";
import { schedule } from "./send.ts";
import { inSession, type Who } from "./session.ts";
import { options, running } from "./settings.ts";
import { held } from "./store.ts";
import type { Identity, Metadata, Proof } from "./types.ts";
import { uuid } from "./uuid.ts";

const addressCharactersMax = 4096;

export let pageUrl = "";
export let pageReferrer = "";

export function setPage(url: string, referrer: string): void {
  pageUrl = url.slice(0, addressCharactersMax);
  pageReferrer = referrer;
}

/** `extend` is for metadata that depends on the session; `url` for what is told of a page that was moved on from. */
export function track(
  event: string,
  metadata?: Metadata,
  trailing?: boolean,
  extend?: (who: Who) => Metadata | undefined,
  url = pageUrl,
): void {
  if (!running) return;
  const event_id = uuid();
  const born = { event, event_id, url, referrer: pageReferrer, timestamp: Date.now() };
  inSession((who) => {
    const whole = { ...born, ...who, metadata: { ...metadata, ...extend?.(who) } };
    put(event_id, whole);
    schedule();
    emit("event", whole);
  }, trailing);
}

export function identify(identity: Identity, proof?: Proof): void {
  if (typeof identity !== "object") throw "identify";
  const said = { identity, user_hash: proof?.user_hash, timestamp: Date.now(), write_key: options.key };
  const name = uuid();
  inSession((who) => {
    put(name, { ...said, ...who }, held);
    schedule(true);
  });
}
