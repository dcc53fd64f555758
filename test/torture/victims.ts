import type { Database } from "bun:sqlite";
import type { Chance } from "./chance.ts";
import type { Sent } from "./traffic.ts";

/** What they are known by begins with it, so that who tells the story again can leave them out. */
export const VICTIM = "victim-";

/** Somebody who is erased while the server is killed, and who has to do with nobody else. */
export type Victim = {
  name: string;
  /** Event ids of which somebody was told that they are stored. */
  acknowledged: string[];
  isIdentified: boolean;
  /** `unknown`: it was asked for, and nobody was told that it was done. */
  erasure: "none" | "unknown" | "done";
  events: number;
};

export type SentOfVictim = { victim: Victim; act: "track" | "identify" | "erase"; eventId: string };

export type Victims = {
  /** One client's victims; it goes on only after an answer. */
  createClient(chance: Chance, name: string): { next(): Sent };
  answered(sent: SentOfVictim, status: number, answer: unknown): string | null;
  lost(sent: SentOfVictim): void;
  /** Those whose erasure was acknowledged. */
  erased(): number;
  /** Whoever is half there, or there again, or gone without anybody's word. */
  wrongs(database: Database): string[];
  /** Victims of whom anything is left anywhere, though nothing may be. */
  traces(database: Database): string[];
};

export function createVictims(): Victims {
  const victims: Victim[] = [];

  const ask = (victim: Victim, act: SentOfVictim["act"]): Sent => {
    const fixed = { isTrusted: true, events: [], identify: null };
    const visitor = `${victim.name}-v`;
    const email = `${victim.name}@gmail.com`;
    const eventId = `${victim.name}-${victim.events}`;
    const sent = { victim, act, eventId };
    if (act === "erase") return { method: "DELETE", path: `/people/${email}`, ...fixed, victim: sent };
    if (act === "identify") {
      const body = { anonymous_id: visitor, identity: { email, name: victim.name } };
      return { method: "POST", path: "/identify", body, ...fixed, victim: sent };
    }
    victim.events += 1;
    const body = { event: "look", event_id: eventId, anonymous_id: visitor, metadata: { note: victim.name } };
    return { method: "POST", path: "/track", body, ...fixed, victim: sent };
  };

  return {
    createClient: (chance, name) => {
      let count = 0;
      let current: Victim | null = null;
      return {
        next: () => {
          // Somebody who was erased long ago must not come back either.
          const gone = victims.filter(({ erasure }) => erasure === "done");
          if (gone.length > 0 && chance.is(0.15)) return ask(chance.pick(gone), "track");
          if (current === null || (current.erasure !== "none" && chance.is(0.5))) {
            current = {
              name: `${VICTIM}${name}-${count}`,
              acknowledged: [],
              isIdentified: false,
              erasure: "none",
              events: 0,
            };
            count += 1;
            victims.push(current);
            return ask(current, "track");
          }
          if (!current.isIdentified) return ask(current, chance.is(0.5) ? "track" : "identify");
          return ask(current, chance.pick(["track", "identify", "erase"]));
        },
      };
    },
    answered: ({ victim, act, eventId }, status, answer) => {
      if (status === 503 && act === "erase" && victim.erasure === "none") victim.erasure = "unknown";
      if (status === 503) return null;
      if (act === "erase") {
        const isGone = victim.erasure !== "none";
        if (status !== 200 && !(status === 404 && isGone)) return `erasing ${victim.name} was answered with ${status}`;
        victim.erasure = "done";
        return null;
      }
      if (status !== 200) return `${victim.name} was answered with ${status}`;
      if (isSuppressed(answer)) {
        if (victim.erasure === "none") return `${victim.name} is taken for erased`;
        victim.erasure = "done";
        return null;
      }
      if (victim.erasure === "done") return `${victim.name} was erased and is taken in again`;
      // What was refused did not happen, or this would not have been taken.
      victim.erasure = "none";
      if (act === "identify") victim.isIdentified = true;
      else victim.acknowledged.push(eventId);
      return null;
    },
    lost: ({ victim, act }) => {
      if (act === "erase" && victim.erasure === "none") victim.erasure = "unknown";
    },
    erased: () => victims.filter(({ erasure }) => erasure === "done").length,
    wrongs: (database) => {
      const like = `${VICTIM}%`;
      const valuesOf = (sql: string): Set<string> =>
        new Set(
          database
            .query<{ value: string }, [string]>(sql)
            .all(like)
            .map(({ value }) => value),
        );
      const identities = valuesOf("select value from identity where value like ?");
      const events = valuesOf("select event_id as value from event where event_id like ?");
      return victims.flatMap((victim) => wrongOf(victim, identities, events) ?? []);
    },
    traces: (database) => {
      const left = namesIn(database);
      return victims
        .filter(({ erasure, name }) => erasure === "done" && left.has(name))
        .map(({ name }) => `${name} was erased, and something is left of them`);
    },
  };
}

function wrongOf(victim: Victim, identities: ReadonlySet<string>, events: ReadonlySet<string>): string | null {
  const { name, erasure, acknowledged, isIdentified } = victim;
  const isKnown = identities.has(`${name}-v`) || identities.has(`${name}@gmail.com`);
  const hasEvents = Array.from({ length: victim.events }, (_, index) => events.has(`${name}-${index}`)).includes(true);
  if (erasure === "done") return isKnown || hasEvents ? `${name} was erased and is there` : null;
  const isWhole = acknowledged.every((id) => events.has(id)) && (!isIdentified || identities.has(`${name}@gmail.com`));
  if (erasure === "unknown") return isWhole || (!isKnown && !hasEvents) ? null : `${name} is erased by half`;
  return isWhole ? null : `something of ${name} was acknowledged and is lost`;
}

function isSuppressed(answer: unknown): boolean {
  const { suppressed, events } = answer as { suppressed?: boolean | number; events?: { status: string }[] };
  return suppressed === true || events?.[0]?.status === "suppressed";
}

/** By a look at every row of every table. */
function namesIn(database: Database): Set<string> {
  const tables = database.query<{ name: string }, []>("select name from sqlite_schema where type = 'table'").all();
  const names = tables.flatMap(({ name }) => {
    const rows = JSON.stringify(database.query(`select * from ${name}`).all());
    return [...rows.matchAll(new RegExp(`${VICTIM}\\d+-\\d+-\\d+-\\d+`, "g"))].map(([found]) => found);
  });
  return new Set(names);
}
