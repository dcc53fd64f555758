import { anonymousId } from "./identity.ts";
import { prefix, waitingItems } from "./outbox.ts";
import { eventsPath, identifyPath } from "./policy.ts";
import { locked } from "./safe.ts";
import { options, running, sameSite } from "./settings.ts";
import { eraseAll, forget, stored } from "./store.ts";

// The browser holds all keepalive requests of a page together to 64 KiB under way.
const quotaBytes = 64 * 1024;
const batchBytesMax = 48 * 1024;
const gatherMs = 200;
const backoffMs = 3000;
const answerMs = 30_000;

type Batch = [url: string, body: string, names: string[], bytes: number];

const underWay = new Set<string>();
let underWayBytes = 0;
let failures = 0;
let notBeforeMs = 0;
let timer: ReturnType<typeof setTimeout> | undefined;
let release: (() => void) | undefined;

/** How many events the server would not have. */
export let dropped = 0;

/** The longest run from the front of the outbox that fits: events together, an identify alone, so that order holds. */
function nextBatch(): Batch | undefined {
  const names: string[] = [];
  let identifies = false;
  let bytes = 0;
  if (!running || Date.now() < notBeforeMs) return undefined;
  for (const name of waitingItems()) {
    if (underWay.has(name)) continue;
    const { size } = new Blob([stored[name] ?? ""]);
    const alone = name.endsWith("i");
    if (bytes && (identifies || alone || bytes + size > batchBytesMax)) break;
    identifies = alone;
    bytes += size + 1;
    names.push(name);
  }
  if (!bytes) return undefined;
  const rest = JSON.stringify({ sent_at: Date.now(), write_key: options.key }).slice(1);
  const items = names.map((name) => stored[name]);
  const path = identifies ? identifyPath : (options.path ?? eventsPath);
  return [options.endpoint + path, identifies ? `${items}` : `{"events":[${items}],${rest}`, names, bytes];
}

async function post([url, body, names, bytes]: Batch): Promise<void> {
  names.forEach(underWay.add, underWay);
  underWayBytes += bytes;
  let status = 500;
  let askedMs = 0;
  await fetch(url, {
    method: "POST",
    body,
    keepalive: true,
    credentials: sameSite() ? "include" : "omit",
    signal: AbortSignal.timeout(answerMs),
  })
    .then(async (response) => {
      // Read to its end, because only then the browser gives back the quota.
      await response.text();
      status = response.status;
      askedMs = Number(response.headers.get("retry-after")) * 1000;
    })
    .catch(() => {});
  underWayBytes -= bytes;
  if (status === 429 || status >= 500) {
    const delayMs = backoffMs * 2 ** failures++ * (0.5 + Math.random());
    notBeforeMs = Date.now() + (askedMs || delayMs);
    schedule(true);
  } else {
    failures = 0;
    if (status >= 400) dropped += names.length;
    names.forEach(forget);
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
  const drain = async () => {
    for (let batch = nextBatch(); batch; batch = nextBatch()) await post(batch);
    release = undefined;
  };
  locked(prefix, () => Promise.race([drain(), left]));
}

export function schedule(anew?: boolean): void {
  if (anew) timer = clearTimeout(timer) as undefined;
  timer ??= setTimeout(flush, Math.max(gatherMs, notBeforeMs - Date.now()));
}

/** The page is seen again, or the network is back: what went without an answer goes once more. */
export function resume(online: boolean): void {
  underWay.clear();
  if (online) notBeforeMs = 0;
  schedule(true);
}

/** The page may be gone in a moment: all that fits goes now. What was sent stays in the outbox until it is answered. */
export function sendOnLeaving(): void {
  for (let batch = nextBatch(); batch; batch = nextBatch()) {
    const [url, body, names, bytes] = batch;
    if (underWayBytes + bytes > quotaBytes) break;
    if (!sameSite()) void post(batch);
    else if (navigator.sendBeacon?.(url, body)) names.forEach(underWay.add, underWay);
    else break;
  }
  release?.();
}
