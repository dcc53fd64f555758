import type { Database } from "bun:sqlite";
import type { RejectedEvent } from "../port.ts";

/** Refused events kept; the oldest go first. */
const REJECTED_MAX = 10_000;

export function createRejectedWriter(database: Database): (rows: readonly RejectedEvent[]) => void {
  const insert = database.query(
    "insert into rejected_event (rejected_at, code, field, message, body) values (?, ?, ?, ?, ?)",
  );
  const trim = database.query(
    `delete from rejected_event where rejected_seq <= (select max(rejected_seq) from rejected_event) - ${REJECTED_MAX}`,
  );
  return (rows) => {
    if (rows.length === 0) return;
    for (const { rejectedMs, code, field, message, body } of rows.slice(-REJECTED_MAX))
      insert.run(rejectedMs, code, field, message, body);
    trim.run();
  };
}
