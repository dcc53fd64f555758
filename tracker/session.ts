import { anonymousId } from "./identity.ts";
import { guard, locked } from "./safe.ts";
import { cookie, forget, idKey, keep, keptSeconds, originKey, read, sessionKey, write } from "./store.ts";
import { hex, uuid } from "./uuid.ts";

const idleMsMax = 30 * 60 * 1000;
const ageMsMax = 24 * 60 * 60 * 1000;
const persistMs = 5000;

export type Who = { session_id: string; anonymous_id: string };
type Run = (who: Who) => void;

export const waiting: ((...who: [sessionId: string, anonymousId: string]) => void)[] = [];
let latestId = "";

const persist = (id: string, start: string | number): void => keep(sessionKey, `${id}.${start}.${Date.now()}`);

/** Its id, when it began and when it was last active; where there is none, no times, and no comparison with them holds. */
const state = () => (cookie(sessionKey) ?? read(sessionKey)).split(".") as [id: string, start: string, last: string];

/** What is stored decides, never what this tab remembers: another tab may be the active one. */
export function touchSession([id, start, last] = state()): string | undefined {
  const nowMs = Date.now();
  const quietMs = nowMs - +last;
  // What is mirrored ends with the cookie; by itself it would last for ever.
  if (quietMs > keptSeconds * 1000) forget(idKey);
  if (quietMs >= idleMsMax || nowMs - +start >= ageMsMax) return;
  if (quietMs >= persistMs) persist(id, start);
  return id;
}

function runIn(id: string, anonymous: string): void {
  latestId = id;
  for (const run of waiting.splice(0)) guard(run)(id, anonymous);
}

/**
 * Runs what waits for a session, in the one of another tab where that was quicker. A tab may not see at once what
 * another one wrote: so the next id follows from the last session, and both come to the same.
 */
export function settleSession(): void {
  if (!waiting.length) return;
  const now = state();
  const [before, , last] = now;
  const known = touchSession(now);
  const id = known || (last ? before.slice(0, 24) + hex(+last, 12) : uuid());
  // The id first: a tab that sees the session must see it too.
  const anonymous = anonymousId();
  if (!known) {
    persist(id, Date.now());
    // It began here, and nothing is told yet of where it came from.
    write(originKey, id);
  }
  runIn(id, anonymous);
}

/**
 * `trailing` is for what ends a page: it belongs to the session the page had, and wakes no new one. A browser that has
 * no id yet gets it together with its first session, where the tabs wait for each other.
 */
export function inSession(run: Run, trailing?: boolean): void {
  const id = (trailing && latestId) || touchSession();
  const known = anonymousId("");
  waiting.push((session_id, anonymous) => run({ session_id, anonymous_id: known || anonymous }));
  if (id) runIn(id, known || anonymousId());
  else locked(sessionKey, settleSession);
}

export const endSession = (): void => keep(sessionKey, "");
