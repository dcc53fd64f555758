import type { Database } from "bun:sqlite";
import { statSync } from "node:fs";
import { join } from "node:path";
import type { DeliveryState } from "../../core/delivery.ts";
import { DATABASE_FILE } from "./database.ts";

/** How much there is of what, for dashboards. Goes through whole indexes: for a thread of its own. */
export type HouseCounts = {
  /** Everybody with a score, visitors not yet known included. */
  people: number;
  /** Those with a user id, an e-mail or a phone number. */
  knownPeople: number;
  deliveries: { destination: string; state: DeliveryState; count: number }[];
};

type ByDestination = { destination: string; pending: number; dead: number; total: number };

export function countHouse(database: Database): HouseCounts {
  const one = (sql: string): number => database.query<{ count: number }, []>(sql).get()?.count ?? 0;
  const rows = database
    .query<ByDestination, []>(
      `with marked as (
         select destination, count(*) as pending, 0 as dead from delivery indexed by delivery_due
           where state = 'pending' group by destination
         union all select destination, 0, count(*) from delivery indexed by delivery_dead
           where state = 'dead' group by destination
       ), counted as (select destination, count(*) as total from delivery group by destination)
       select c.destination, c.total, coalesce(sum(m.pending), 0) as pending, coalesce(sum(m.dead), 0) as dead
       from counted c left join marked m on m.destination = c.destination group by c.destination`,
    )
    .all();
  return {
    people: one("select count(*) as count from intent_score"),
    knownPeople: one(
      `select count(distinct person_id) as count from identity
       where kind in ('user_id', 'email', 'phone') and retired_at is null`,
    ),
    deliveries: rows.flatMap(({ destination, pending, dead, total }) => [
      { destination, state: "pending" as const, count: pending },
      { destination, state: "dead" as const, count: dead },
      { destination, state: "delivered" as const, count: total - pending - dead },
    ]),
  };
}

/** Looks the sizes up each time; a log that is not there has none. */
export function createSizeReader(folder: string): () => { database: number; wal: number } {
  const sizeOf = (suffix: string): number =>
    statSync(join(folder, DATABASE_FILE + suffix), { throwIfNoEntry: false })?.size ?? 0;
  return () => ({ database: sizeOf(""), wal: sizeOf("-wal") });
}
