import type { Database } from "bun:sqlite";
import { compileRules, type Rules } from "../../src/core/compile.ts";
import type { Command, Outcome } from "../../src/core/decide.ts";
import type { AppError } from "../../src/core/error.ts";
import type { Scoring } from "../../src/core/rules.ts";
import type { SignalData } from "../../src/core/signal.ts";
import { createEngine, type Engine } from "../../src/engine/engine.ts";
import type { LoopStore } from "../../src/store/port.ts";
import { openDatabase } from "../../src/store/sqlite/database.ts";
import { createSqliteStore } from "../../src/store/sqlite/store.ts";
import { END_MS } from "../core/histories.ts";
import { temporaryFolder } from "../support/folder.ts";

export type EngineHouse = {
  database: Database;
  engine: Engine;
  rules: Rules;
  clock: { nowMs: number };
  faults: unknown[];
  signals: SignalData[];
  /** How many transactions were begun. */
  transactions(): number;
  /** One submission, whatever is in it. */
  submit(commands: readonly Command[]): Promise<(Outcome | AppError)[]>;
  /** As after a restart: another engine and store on the same file, which remember nothing. */
  restart(): void;
  [Symbol.dispose](): void;
};

export type HouseOptions = {
  /** Gets between engine and store. */
  wrapStore?: (store: LoopStore) => LoopStore;
  wrapRules?: (rules: Rules) => Rules;
  onSignals?: (signals: readonly SignalData[]) => void;
};

/** An engine on a real file, with a clock that the test turns by hand. */
export function openEngine(scoring: Scoring, options: HouseOptions = {}): EngineHouse {
  const { wrapStore = (store) => store, wrapRules = (rules) => rules, onSignals = () => undefined } = options;
  const folder = temporaryFolder();
  let opened = openDatabase(folder.path, "normal");
  const rules = wrapRules(compileRules(scoring, "test"));
  const clock = { nowMs: END_MS };
  const faults: unknown[] = [];
  const signals: SignalData[] = [];
  let transactions = 0;
  const build = (): Engine => {
    const store = createSqliteStore(opened.database);
    const counting: LoopStore = {
      ...store,
      transact: (work) => {
        transactions += 1;
        return store.transact(work);
      },
    };
    return createEngine({
      store: wrapStore(counting),
      clock: () => clock.nowMs,
      rules: () => rules,
      insertDeliveries: () => undefined,
      onSignals: (fresh) => {
        signals.push(...fresh);
        onSignals(fresh);
      },
      onFault: (error) => faults.push(error),
    });
  };
  const house: EngineHouse = {
    database: opened.database,
    engine: build(),
    rules,
    clock,
    faults,
    signals,
    transactions: () => transactions,
    // The engine takes any mixture; its types keep callers from having to tell the outcomes apart.
    submit: (commands) => house.engine.submit(commands as Parameters<Engine["submit"]>[0]),
    restart: () => {
      opened.close();
      opened = openDatabase(folder.path, "normal");
      house.database = opened.database;
      house.engine = build();
    },
    [Symbol.dispose]: () => {
      opened.close();
      folder[Symbol.dispose]();
    },
  };
  return house;
}
