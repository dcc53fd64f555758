import { anonymousId } from "./identity.ts";
import { bytesOf, drop, prefix, waitingItems } from "./outbox.ts";
import { eventsPath, identifyPath } from "./policy.ts";
import { locked } from "./safe.ts";
import { options, running, sameSite } from "./settings.ts";
import { eraseAll, forget, held, read, write } from "./store.ts";

// The browser holds all keepalive requests of a page together to 64 KiB under way.
const quotaBytes = 64 * 1024;
const batchBytesMax = 48 * 1024;
const gatherMs = 200;
// Firefox gives the quota back a moment after the answer, and refuses what comes before; then it would wait for seconds.
const givenBackMs = 50;
const backoffMs = 3000;
const answerMs = 30_000;
// Longer than this nobody waits, so that one bad answer does not silence a browser for days.
const restMsMax = 60 * 60 * 1000;
const notBeforeKey = "_di.b";

type Batch = [url: string, body: string, names: string[], bytes: number];

const underWay = new Set<string>();
let underWayBytes = 0;
let failures = 0;
let timer: ReturnType<typeof setTimeout> | undefined;
let release: (() => void) | undefined;

/** How long the server is to be left alone, by every page. More than was ever written is of a clock that was ahead. */
function restMs(): number {
  const ms = +read(notBeforeKey) - Date.now();
  return ms > restMsMax ? 0 : ms;
}

/** The longest run from the front of the outbox that fits: events together, an identify alone, so that order holds. */
function nextBatch(from = restMs() > 0 ? [] : waitingItems()): Batch | undefined {
  const names: string[] = [];
  let bytes = 0;
  for (const name of from) {
    if (!running || underWay.has(name)) continue;
    const size = bytesOf(read(name));
    const alone = name in held;
    if (bytes && (alone || bytes + size > batchBytesMax)) break;
    bytes += size + 1;
    names.push(name);
    if (alone) break;
  }
  if (!bytes) return undefined;
  const identity = held[`${names}`];
  const path = identity ? identifyPath : (options.path ?? eventsPath);
  return [
    options.endpoint + path,
    identity ??
      `{"events":[${names.map(read)}],${JSON.stringify({ sent_at: Date.now(), write_key: options.key }).slice(1)}`,
    names,
    bytes,
  ];
}

async function post([url, body, names, bytes]: Batch): Promise<void> {
  names.forEach(underWay.add, underWay);
  underWayBytes += bytes;
  let status = 500;
  let askedMs: number | undefined;
  let rejected: number | undefined;
  try {
    const response = await fetch(url, {
      body,
      method: "POST",
      keepalive: true,
      credentials: sameSite() ? "include" : "omit",
      signal: AbortSignal.timeout(answerMs),
    });
    status = response.status;
    askedMs = +(response.headers.get("retry-after") as string) * 1000;
    // Read to its end, because only then the browser gives back the quota.
    ({ rejected } = await response.json());
  } catch {}
  underWayBytes -= bytes;
  if (status > 499 || status === 429) {
    const delayMs = backoffMs * 2 ** failures++ * (0.5 + Math.random());
    write(notBeforeKey, Date.now() + Math.min(askedMs || delayMs, restMsMax));
    schedule(true);
  } else {
    drop(status < 400 ? rejected : names.length);
    names.forEach(forget);
    failures = 0;
  }
  names.forEach(underWay.delete, underWay);
  // The answer may have set the cookie of an id that was reset or erased while it was under way.
  if (running) anonymousId("");
  else eraseAll();
}

function flush(): void {
  timer = undefined;
  // What came meanwhile goes with the rest.
  if (release) return;
  // Given back when the page is left, because a page that holds a lock is not kept for the back button.
  const left = new Promise<void>((resolve) => {
    release = resolve;
  });
  locked(prefix, function drain() {
    const batch = nextBatch();
    if (batch)
      post(batch).then(() => {
        if (nextBatch()) setTimeout(drain, givenBackMs);
        else drain();
      });
    else release = release?.() as undefined;
    return left;
  });
}

/** `urgent` takes the place of what was planned, and gathers nothing. */
export function schedule(urgent?: boolean): void {
  if (urgent) timer = clearTimeout(timer) as undefined;
  // One more, because timers count whole milliseconds, and too early nothing would be sent.
  timer ??= setTimeout(flush, Math.max(restMs() + 1, urgent ? 0 : gatherMs));
}

/** The page is seen again, or the network is back: what went without an answer goes once more. */
export function resume(online: boolean): void {
  if (online) forget(notBeforeKey);
  underWay.clear();
  schedule(online);
}

/**
 * The page may be gone in a moment: all that fits goes now. What was sent stays in the outbox until it is answered; but
 * what is held ends with the page, so it goes even before its turn.
 */
export function sendOnLeaving(): void {
  for (const from of [undefined, Object.keys(held)]) {
    for (let batch = nextBatch(from); batch; batch = nextBatch(from)) {
      const [url, body, names, bytes] = batch;
      if (underWayBytes + bytes > quotaBytes) break;
      if (!sameSite()) void post(batch);
      else if (navigator.sendBeacon?.(url, body)) names.forEach(underWay.add, underWay);
      else break;
    }
  }
  release?.();
}
