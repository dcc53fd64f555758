import { emit } from "./bus.ts";
import { anonymousId } from "./identity.ts";
import { put } from "./outbox.ts";
import { schedule } from "./send.ts";
import { inSession } from "./session.ts";
import { options, running } from "./settings.ts";
import type { Identity, Metadata } from "./types.ts";
import { uuid } from "./uuid.ts";

const itemCharactersMax = 32 * 1024;
const addressCharactersMax = 4096;

export let pageUrl = "";
export let pageReferrer = "";

export function setPage(url: string, referrer: string): void {
  pageUrl = url.slice(0, addressCharactersMax);
  pageReferrer = referrer;
}

function store(name: string, value: object): void {
  const item = JSON.stringify(value);
  if (item.length > itemCharactersMax) throw Error("size");
  put(name, item);
  schedule();
}

/** `extend` is for metadata that depends on the session. */
export function track(
  event: string,
  metadata?: Metadata,
  trailing?: boolean,
  extend?: (sessionId: string) => Metadata,
): void {
  if (!running) return;
  const born = {
    event,
    event_id: uuid(),
    anonymous_id: anonymousId(),
    url: pageUrl,
    referrer: pageReferrer,
    timestamp: Date.now(),
  };
  inSession((session_id) => {
    const whole = { ...born, session_id, metadata: { ...metadata, ...extend?.(session_id) } };
    store(born.event_id, whole);
    emit("event", whole);
  }, trailing);
}

export function identify(identity: Identity, proof?: { user_hash?: string }): void {
  const said = {
    anonymous_id: anonymousId(),
    identity,
    ...proof,
    timestamp: Date.now(),
    write_key: options.key,
  };
  const name = `${uuid()}i`;
  inSession((session_id) => store(name, { ...said, session_id }));
}
