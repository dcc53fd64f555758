import type { Database } from "bun:sqlite";

/** What became of a request, as its sender knows it. */
type Fate = "accepted" | "duplicate" | "unknown";

export type Load = {
  /** By event id; `unknown` were sent, and no answer came. */
  fates: Map<string, Fate>;
  acknowledged(): number;
  /** Every answer that was neither a success nor a broken connection. */
  refusals: string[];
  /** Ends when its server is gone. */
  done: Promise<void>;
};

export type LoadOptions = { workers: number; isKeptAlive: boolean; isIdentifying?: boolean };

const NAMES = ["page_view", "page_view", "form_start", "form_submit", "cta_click", "video_complete"];
const PAGES = ["/pricing", "/demo", "/docs/start", "/blog/one", "/careers", "/"];
const VISITORS = 12;
const PEOPLE = 3;

/** Workers that send as fast as they get answers, single events and small batches, until nobody answers any more. */
export function startLoad(url: string, round: string, { workers, isKeptAlive, isIdentifying }: LoadOptions): Load {
  const fates = new Map<string, Fate>();
  const refusals: string[] = [];
  const post = (path: string, body: object): Promise<Response> =>
    fetch(url + path, { method: "POST", body: JSON.stringify(body), keepalive: isKeptAlive });
  const sendEvents = async (worker: number, step: number): Promise<void> => {
    const events = Array.from({ length: step % 5 === 0 ? 4 : 1 }, (_, index) => eventOf(round, worker, step, index));
    for (const { event_id } of events) if (!fates.has(event_id)) fates.set(event_id, "unknown");
    const response = await post("/track", events);
    const answer = (await response.json()) as { events?: { event_id: string; status: Fate }[] };
    if (answer.events === undefined) refusals.push(JSON.stringify(answer));
    for (const { event_id, status } of answer.events ?? []) {
      if (fates.get(event_id) !== "accepted") fates.set(event_id, status);
    }
  };
  const sendIdentify = async (worker: number, step: number): Promise<void> => {
    const email = `person-${step % PEOPLE}@acme.example`;
    const response = await post("/identify", { anonymous_id: visitorOf(worker, step), identity: { email } });
    if (!response.ok) refusals.push(await response.text());
    else await response.arrayBuffer();
  };
  const work = async (worker: number): Promise<void> => {
    for (let step = 0; ; step += 1) {
      try {
        await sendEvents(worker, step);
        if (isIdentifying && step % 7 === worker % 7) await sendIdentify(worker, step);
      } catch {
        return;
      }
    }
  };
  const done = Promise.all(Array.from({ length: workers }, (_, worker) => work(worker))).then(() => undefined);
  return {
    fates,
    refusals,
    done,
    acknowledged: () => [...fates.values()].filter((fate) => fate !== "unknown").length,
  };
}

/** Every third step sends again what another worker sends as well, so that retries meet their first tries. */
function eventOf(
  round: string,
  worker: number,
  step: number,
  index: number,
): { event_id: string; [field: string]: unknown } {
  const isShared = step % 3 === 0;
  const seed = step * 7 + index * 3 + (isShared ? 0 : worker);
  return {
    event: NAMES[seed % NAMES.length] ?? "page_view",
    url: PAGES[seed % PAGES.length],
    anonymous_id: visitorOf(isShared ? 0 : worker, step),
    session_id: `session-${seed % 3}`,
    event_id: isShared ? `${round}-shared-${step}-${index}` : `${round}-${worker}-${step}-${index}`,
  };
}

function visitorOf(worker: number, step: number): string {
  return `visitor-${(worker + step) % VISITORS}`;
}

export function storedIds(database: Database): Set<string> {
  const rows = database.query<{ id: string }, []>("select event_id as id from event where name <> 'identify'").all();
  return new Set(rows.map(({ id }) => id));
}
