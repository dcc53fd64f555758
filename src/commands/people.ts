import type { Command } from "../config/commands.ts";
import { compileRules } from "../core/compile.ts";
import { formatId } from "../core/id.ts";
import { explainPerson } from "../features/people/explain.ts";
import { type EraseBook, erasePerson } from "../features/privacy/erase.ts";
import { findSubject } from "../features/privacy/find.ts";
import { exportPerson } from "../features/privacy/person-export.ts";
import { gathered } from "../http/pieces.ts";
import { COMMAND_LINE, createAuditStore } from "../store/sqlite/audit.ts";
import { emptyLog, openBeside, openReadOnly } from "../store/sqlite/database.ts";
import { createErasure } from "../store/sqlite/erase.ts";
import { createListSearch } from "../store/sqlite/list-search.ts";
import { oldCopiesIn } from "../store/sqlite/old-copies.ts";
import { createPeopleReader } from "../store/sqlite/people.ts";
import { createScopeReader } from "../store/sqlite/person-scope.ts";
import { createReaders } from "../store/sqlite/readers.ts";
import { noteCommand } from "./note.ts";
import { loadConfig } from "./serve.ts";

type EraseOptions = Extract<Command, { name: "people erase" }>["options"];
type ExportOptions = Extract<Command, { name: "people export" }>["options"];

const EMPTY_WAIT_MS = 50;
const LOG_IS_READ =
  "do-intent.db-wal is being read, so rows of theirs are left in it until the server stops, or next erases somebody";

/** Works on the file, also beside a running server: what that one holds in memory it looks up again. */
export function runPeopleErase({ person, data }: EraseOptions, nowMs: number, write: (line: string) => void): number {
  const database = openBeside(data);
  try {
    const deps = { people: createPeopleReader(database), scopes: createScopeReader(database) };
    const erasure = createErasure(database);
    // Before the file is held, so that a server beside it waits no longer than it must.
    const steps = createListSearch(database).foresee(deps.scopes.scopeOf(findSubject(person, deps)).emails);
    let step = steps.next();
    while (step.done !== true) step = steps.next();
    const foreseen = step.value;
    const erase: EraseBook["erase"] = (subject, atMs) => erasure(subject, atMs, foreseen);
    const book = { erase, audit: createAuditStore(database), by: COMMAND_LINE, nowMs };
    const answer = database.transaction(() => erasePerson(findSubject(person, deps), book)).immediate();
    write(`${answer.person_id ?? "a campaign's lead"} is erased, and ${answer.suppressed} identifiers stay away`);
    for (const [table, count] of Object.entries(answer.erased)) {
      if (count > 0) write(`  ${table.padEnd(16)} ${count}`);
    }
    for (const [table, count] of Object.entries(answer.stripped)) {
      if (count > 0) write(`  ${table.padEnd(16)} ${count} of others do not name them any more`);
    }
    // A server that writes meanwhile must not wait for whoever reads.
    database.run("pragma wal_checkpoint(passive)");
    database.run(`pragma busy_timeout = ${EMPTY_WAIT_MS}`);
    if (!emptyLog(database)) write(LOG_IS_READ);
    for (const copy of oldCopiesIn(data)) {
      write(`${copy} is from before, and may hold them still: remove it once it is needed no more`);
    }
    return 0;
  } finally {
    database.close(false);
  }
}

/** Everything about a person as JSON, as it stood when the command began. */
export async function runPeopleExport(
  { person, data, config }: ExportOptions,
  nowMs: number,
  write: (text: string) => Promise<void>,
): Promise<number> {
  const loaded = loadConfig(config);
  const rules = compileRules(loaded.config, loaded.hash);
  const database = openReadOnly(data);
  try {
    const explain = (personId: number) => explainPerson(personId, null, nowMs, createReaders(database), rules);
    const { subject, pieces } = exportPerson(person, database, explain, nowMs);
    const personId = subject.personId === null ? null : formatId("person", subject.personId);
    noteCommand(data, { action: "person_export", subject: personId }, nowMs);
    for (const piece of gathered(pieces)) await write(piece);
    return 0;
  } finally {
    database.close(false);
  }
}
