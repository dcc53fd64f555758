import type { Database } from "bun:sqlite";

const SECRET_BYTES = 32;

/** What this instance signs links and hashes identifiers with; made once, and part of every backup. */
export function ensureInstanceSecret(database: Database, nowMs: number): Buffer {
  const fresh = Buffer.from(crypto.getRandomValues(new Uint8Array(SECRET_BYTES))).toString("hex");
  database
    .query(
      `insert into instance_secret (instance_secret_id, secret, created_at) values (1, ?, ?)
       on conflict (instance_secret_id) do nothing`,
    )
    .run(fresh, nowMs);
  const row = database
    .query<{ secret: string }, []>("select secret from instance_secret where instance_secret_id = 1")
    .get();
  if (row === null) throw new Error("the instance has a secret");
  return Buffer.from(row.secret, "hex");
}
