import type { Command } from "../config/commands.ts";
import { compileRules } from "../core/compile.ts";
import { formatId } from "../core/id.ts";
import { findAccount, readAccount } from "../features/accounts/account.ts";
import { explainPerson } from "../features/people/explain.ts";
import { findPerson } from "../features/people/person.ts";
import { openReadOnly } from "../store/sqlite/database.ts";
import { createReaders } from "../store/sqlite/readers.ts";
import { accountExplanationText } from "./explain-account-table.ts";
import { explanationText } from "./explain-table.ts";
import { noteRead } from "./note.ts";
import { loadConfig } from "./serve.ts";

type ExplainOptions = Extract<Command, { name: "explain" }>["options"];

/** Explains a person or an account from the file, also beside a running server. Whoever is not known is an error with its own sentence. */
export async function runExplain(
  { who, atMs, data, config }: ExplainOptions,
  nowMs: number,
  write: (line: string) => void,
): Promise<number> {
  const loaded = loadConfig(config);
  const rules = compileRules(loaded.config, loaded.hash);
  const database = openReadOnly(data);
  try {
    const readers = createReaders(database);
    const account = findAccount(who, readers.accounts);
    if (account !== null) {
      noteRead(data, "explain", null, nowMs);
      write(accountExplanationText(readAccount(account, readers, rules, atMs, nowMs)));
      return 0;
    }
    const personId = findPerson(who, readers.people);
    noteRead(data, "explain", formatId("person", personId), nowMs);
    write(explanationText(explainPerson(personId, atMs, nowMs, readers, rules)));
    return 0;
  } finally {
    database.close(false);
  }
}
