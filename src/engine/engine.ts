import type { Circumstances } from "../core/circumstances.ts";
import type { Rules } from "../core/compile.ts";
import { adopt, type Command, decide, type Outcome, type OutcomeOf } from "../core/decide.ts";
import { AppError } from "../core/error.ts";
import { type Signal, type SignalData, signalData } from "../core/signal.ts";
import type { Changes, State } from "../core/state.ts";
import { storageRefusal } from "../core/storage-fault.ts";
import type { LoopStore, RejectedEvent } from "../store/port.ts";
import type { Clock } from "./clock.ts";
import { BUSY_WAIT_MS, BUSY_WAITS_MAX, isHeld, onceFree } from "./held.ts";
import { createIdSource } from "./ids.ts";
import { type CauseOf, causesIn, type RequestId, repliesOf, requestAt, rowsOf, type Submission } from "./submission.ts";

/** Commands and refused events that may wait; beyond it the door says 429 instead of promising what memory would have to hold. */
const QUEUE_MAX = 50_000;
/** The same in one transaction: bounds how long a reply waits for its neighbours. */
const TRANSACTION_MAX = 1_000;

/** So long a refused transaction counts against our health, unless one is stored before. */
const FAILED_FOR_MS = 10_000;

/** A fresh signal, and its wire form as known in the transaction that crossed. */
type Crossing = { signal: Signal; data: SignalData };

export type EngineOptions = {
  store: LoopStore;
  clock: Clock;
  rules: () => Rules;
  /** Turns a fresh signal into rows for its destinations; runs inside the transaction that crossed. */
  insertDeliveries: (crossings: readonly Crossing[], causeOf: CauseOf) => void;
  /** Called after each commit that brought signals. */
  onSignals: (signals: readonly SignalData[], causeOf: CauseOf) => void;
  /** With the id of the request that met it, if one did; of the first where many did at once. */
  onFault: (error: unknown, requestId: string | null) => void;
  /** Told of every transaction that was committed how many commands it took in, and how long it took. */
  onTransaction?: (commands: number, durationMs: number) => void;
};

export type Engine = {
  /**
   * The one way in. Resolves after the commit, one outcome per command in their order; an AppError among them means
   * that this command failed and the others did not.
   */
  submit<Given extends Command>(
    commands: readonly Given[],
    rejected?: readonly RejectedEvent[],
    requestId?: RequestId,
  ): Promise<(OutcomeOf<Given> | AppError)[]>;
  /**
   * Runs work that decides nothing, such as an erasure, in a transaction of its own between two batches; once more as
   * long as somebody else holds the file. The work itself waits for nothing, since the transaction is open meanwhile.
   */
  administer<Result>(work: () => Result): Promise<Result>;
  now: Clock;
  /**
   * Why the last transaction could not be stored, until one could, for some seconds at most; a damaged file stays one
   * until somebody has looked at it.
   */
  storageProblem(): AppError | null;
  /** Commands and refused events that wait for their transaction. */
  backlog(): number;
  /** Waits for all that was submitted, and for what administers. */
  drain(): Promise<void>;
};

/**
 * Gathers what arrives in one turn of the event loop into one transaction: a commit costs a sync of the disk, and so
 * sixty-four visitors pay it once.
 */
export function createEngine(options: EngineOptions): Engine {
  const { store, clock } = options;
  const ids = createIdSource(store.lastId());
  let queue: Submission[] = [];
  let queued = 0;
  let isScheduled = false;
  let failure: { atMs: number; refusal: AppError } | null = null;
  let onIdle: (() => void)[] = [];
  let administering = 0;

  const isIdle = (): boolean => !isScheduled && administering === 0;
  const tellIdle = (): void => {
    if (!isIdle()) return;
    for (const resolve of onIdle) resolve();
    onIdle = [];
  };

  const flush = (): void => {
    const batch = takeBatch();
    const done = commitBatch(batch);
    if (done === null) {
      putBack(batch);
      setTimeout(flush, BUSY_WAIT_MS);
      return;
    }
    if (queue.length > 0) setImmediate(flush);
    else isScheduled = false;
    for (const tell of done) {
      try {
        tell();
      } catch (error) {
        options.onFault(error, null);
      }
    }
    tellIdle();
  };

  const takeBatch = (): Submission[] => {
    let rows = 0;
    let count = 0;
    for (const submission of queue) {
      rows += rowsOf(submission);
      if (count > 0 && rows > TRANSACTION_MAX) break;
      count += 1;
    }
    const batch = queue.slice(0, count);
    queue = queue.slice(count);
    for (const submission of batch) queued -= rowsOf(submission);
    return batch;
  };

  const putBack = (batch: readonly Submission[]): void => {
    queue = [...batch.map((submission) => ({ ...submission, waits: submission.waits + 1 })), ...queue];
    for (const submission of batch) queued += rowsOf(submission);
  };

  const commitAlone = (submission: Submission): (() => void)[] => {
    const done = commitBatch([submission]);
    if (done === null) putBack([submission]);
    return done ?? [];
  };

  /** What there is to tell afterwards; null when somebody else holds the file for a moment. */
  const commitBatch = (batch: readonly Submission[]): (() => void)[] | null => {
    const nowMs = clock();
    const beganMs = performance.now();
    const circumstances: Circumstances = { rules: options.rules(), nowMs, mintId: () => ids.mint(nowMs) };
    try {
      const { outcomes, crossings } = store.transact(() => {
        const work = decideAll(
          store,
          batch.flatMap(({ commands }) => commands),
          circumstances,
          (error, position) => options.onFault(error, requestAt(batch, position)),
        );
        options.insertDeliveries(work.crossings, causesIn(batch, work.outcomes));
        for (const { rejected } of batch) store.insertRejected(rejected);
        return work;
      });
      if (failure?.refusal.code !== "damaged") failure = null;
      options.onTransaction?.(outcomes.length, performance.now() - beganMs);
      const replies = repliesOf(batch, outcomes);
      const signals = crossings.map(({ data }) => data);
      if (signals.length === 0) return replies;
      return [...replies, () => options.onSignals(signals, causesIn(batch, outcomes))];
    } catch (error) {
      if (isHeld(error) && batch.every(({ waits }) => waits < BUSY_WAITS_MAX)) return null;
      options.onFault(error, requestAt(batch, 0));
      const refusal = storageRefusal(error);
      // One that cannot be stored must not take its neighbours with it; a disk that is full takes them all.
      if (batch.length > 1 && refusal === null) return batch.flatMap(commitAlone);
      if (refusal !== null) failure = { atMs: nowMs, refusal };
      return batch.map(
        ({ reject }) =>
          () =>
            reject(refusal ?? UNDECIDED),
      );
    }
  };

  const submit = (
    commands: readonly Command[],
    rejected: readonly RejectedEvent[] = [],
    requestId: RequestId | null = null,
  ): Promise<(Outcome | AppError)[]> => {
    const rows = commands.length + rejected.length;
    if (queued + rows > QUEUE_MAX) {
      return Promise.reject(
        new AppError("overloaded", `more than ${QUEUE_MAX} commands are waiting; try again in a second`),
      );
    }
    queued += rows;
    if (!isScheduled) {
      isScheduled = true;
      setImmediate(flush);
    }
    return new Promise((resolve, reject) => {
      queue.push({ commands, rejected, requestId, resolve, reject, waits: 0 });
    });
  };

  return {
    submit: submit as Engine["submit"],
    administer: async (work) => {
      administering += 1;
      try {
        return await onceFree(() => store.administer(work));
      } finally {
        administering -= 1;
        tellIdle();
      }
    },
    now: clock,
    storageProblem: () => {
      if (failure === null) return null;
      const isRecent = Math.abs(clock() - failure.atMs) <= FAILED_FOR_MS;
      return isRecent || failure.refusal.code === "damaged" ? failure.refusal : null;
    },
    backlog: () => queued,
    drain: () => (isIdle() ? Promise.resolve() : new Promise((resolve) => onIdle.push(resolve))),
  };
}

const UNDECIDED = new AppError("internal", "this one could not be stored, by a fault of ours");

type Work = { outcomes: (Outcome | AppError)[]; crossings: Crossing[] };

/** A run of events shares one load; an identify may join people, so it is loaded on its own, after what came before. */
function decideAll(
  store: LoopStore,
  commands: readonly Command[],
  circumstances: Circumstances,
  onFault: (error: unknown, position: number) => void,
): Work {
  const work: Work = { outcomes: [], crossings: [] };
  let position = 0;
  while (position < commands.length) {
    const run = runFrom(commands, position);
    position += run.length;
    const state = loadRun(store, run);
    const decided: Changes[] = [];
    for (const command of run) {
      try {
        const { changes, outcome } = decide(state, command, circumstances);
        adopt(state, changes);
        decided.push(changes);
        work.outcomes.push(outcome);
      } catch (error) {
        if (error instanceof AppError) {
          work.outcomes.push(error);
          continue;
        }
        onFault(error, work.outcomes.length);
        work.outcomes.push(new AppError("internal", "this one could not be decided; it was not stored"));
      }
    }
    store.apply(decided);
    recordSignals(store, decided, work);
  }
  return work;
}

function runFrom(commands: readonly Command[], start: number): Command[] {
  let end = start;
  while (commands[end]?.type === "track") end += 1;
  return commands.slice(start, Math.max(end, start + 1));
}

function loadRun(store: LoopStore, run: readonly Command[]): State {
  const [first] = run;
  if (first !== undefined && first.type !== "track") return store.loadAlone(first);
  return store.loadForTracking(run.filter((command) => command.type === "track"));
}

function recordSignals(store: LoopStore, decided: readonly Changes[], work: Work): void {
  const signals = decided.flatMap((changes) => changes.signals);
  if (signals.length === 0) return;
  const crossings = signals.map((signal) => ({ signal, data: signalData(signal, store.profileOf(signal.personId)) }));
  store.insertSignals(crossings);
  work.crossings.push(...crossings);
}
