import type { Database } from "bun:sqlite";
import type { Chance } from "./chance.ts";
import type { Model } from "./model.ts";

/** A person's word on a merge: it is undone, or a question about one is answered. */
export type Ruling = { path: string; subject: string; isAcknowledged: boolean };

type RuleOptions = { url: string; secretKey: string; chance: Chance; rulings: Ruling[]; model: Model };

const AT_ONCE_MAX = 5;
/** Nobody is there any more, or somebody else has ruled it already. */
const FITTING = [200, 404, 409];

/** Begins with some of them at once, and goes on until nobody answers any more; `done` is the end of it. */
export async function beginRuling({
  url,
  secretKey,
  chance,
  rulings,
  model,
}: RuleOptions): Promise<{ done: Promise<unknown> }> {
  const headers = { authorization: `Bearer ${secretKey}` };
  const list = async <Listed>(path: string): Promise<Listed | null> =>
    fetch(url + path, { headers })
      .then((response) => response.json() as Promise<Listed>)
      .catch(() => null);
  const send = async (subject: string, path: string): Promise<void> => {
    const ruling: Ruling = { path, subject, isAcknowledged: false };
    rulings.push(ruling);
    const sentAtMs = performance.now();
    const answer = await fetch(url + path, { method: "POST", headers }).catch(() => null);
    if (answer === null) return;
    ruling.isAcknowledged = answer.status === 200;
    const isRefused = answer.status === 503 && model.isRefusable(sentAtMs);
    if (!FITTING.includes(answer.status) && !isRefused) model.wrongs.push(`${path} was answered with ${answer.status}`);
  };
  const merges = await list<{ merges?: { merge_id: string }[] }>("/merges?undone=false&limit=40");
  const reviews = await list<{ reviews?: { review_id: string; claims: object[] }[] }>("/reviews?state=open&limit=40");
  const possible: (readonly [subject: string, path: string])[] = [
    ...(merges?.merges ?? []).map(({ merge_id: id }) => [id, `/merges/${id}/undo`] as const),
    // To approve what somebody claimed may ask anew, of which the audit knows nothing.
    ...(reviews?.reviews ?? []).flatMap(({ review_id: id, claims }) =>
      (claims.length > 0 ? ["reject"] : ["approve", "reject"]).map((word) => [id, `/reviews/${id}/${word}`] as const),
    ),
  ];
  if (possible.length === 0) return { done: Promise.resolve() };
  const work = async (): Promise<void> => {
    for (let count = 0; count < AT_ONCE_MAX; count += 1) {
      const [subject, path] = chance.pick(possible);
      await send(subject, path);
    }
  };
  return { done: Promise.all(Array.from({ length: AT_ONCE_MAX }, work)) };
}

/** Those that were acknowledged, and of which nothing is in the audit. */
export function lostRulings(rulings: readonly Ruling[], database: Database): string[] {
  const kept = new Set(
    database
      .query<{ done: string }, []>("select action || ' ' || subject as done from audit where subject is not null")
      .all()
      .map(({ done }) => done),
  );
  return rulings
    .filter(({ isAcknowledged, path, subject }) => isAcknowledged && !kept.has(`${actionOf(path)} ${subject}`))
    .map(({ path }) => `${path} was acknowledged and is lost`);
}

function actionOf(path: string): string {
  const [, room, , verb] = path.split("/");
  return room === "merges" ? "merge_undo" : `review_${verb}`;
}
