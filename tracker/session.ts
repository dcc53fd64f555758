import { locked } from "./safe.ts";
import { cookie, keep, sessionKey, stored } from "./store.ts";
import { uuid } from "./uuid.ts";

const idleMsMax = 30 * 60 * 1000;
const ageMsMax = 24 * 60 * 60 * 1000;
const persistMs = 5000;

type Run = (sessionId: string) => void;

const waiting: Run[] = [];
let latestId = "";

const persist = (id: string, start: string | number): void => keep(sessionKey, `${id}.${start}.${Date.now()}`);

/** What is stored decides, never what this tab remembers: another tab may be the active one. */
export function touchSession(): string {
  const [id = "", start = 0, last = 0] = (cookie(sessionKey) ?? stored[sessionKey])?.split(".") ?? [];
  const quietMs = Date.now() - Number(last);
  if (quietMs >= idleMsMax || Date.now() - Number(start) >= ageMsMax) return "";
  if (quietMs >= persistMs) persist(id, start);
  return id;
}

function runIn(id: string): void {
  latestId = id;
  for (const run of waiting.splice(0)) run(id);
}

/** Runs what waits for a session, in the one of another tab where that was quicker. */
export function settleSession(): void {
  if (!waiting.length) return;
  const known = touchSession();
  const id = known || uuid();
  if (!known) persist(id, Date.now());
  runIn(id);
}

/** `trailing` is for what ends a page: it belongs to the session the page had, and wakes no new one. */
export function inSession(run: Run, trailing?: boolean): void {
  waiting.push(run);
  const id = (trailing && latestId) || touchSession();
  if (id) runIn(id);
  else void locked(sessionKey, settleSession);
}

export const endSession = (): void => keep(sessionKey, "0");
