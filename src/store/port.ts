import type { LoneCommand } from "../core/decide.ts";
import type { TrackCommand } from "../core/decide-track.ts";
import type { ErrorCode } from "../core/error.ts";
import type { Profile, Signal, SignalData } from "../core/signal.ts";
import type { Changes, State } from "../core/state.ts";

/** An event at the door that did not get in. `body` is what came, cut to a bound by whoever refuses. */
export type RejectedEvent = {
  rejectedMs: number;
  code: ErrorCode;
  field: string | null;
  message: string;
  body: string;
};

/**
 * What the engine needs of a store. The engine has one transaction at a time, and between load and apply nothing else
 * happens. The methods answer at once, as SQLite does.
 */
export type LoopStore = {
  /** Runs the work in one transaction and commits it durably before it returns; an exception rolls it back. */
  transact<Result>(work: () => Result): Result;
  /** Runs work that is no decision of the loop, such as an erasure, in a transaction of its own between two batches. */
  administer<Result>(work: () => Result): Result;
  loadForTracking(commands: readonly TrackCommand[]): State;
  loadAlone(command: LoneCommand): State;
  apply(changes: readonly Changes[]): void;
  /** Who a person is, for the signals of the transaction at hand. */
  profileOf(personId: number): Profile;
  insertSignals(signals: readonly { signal: Signal; data: SignalData }[]): void;
  insertRejected(rows: readonly RejectedEvent[]): void;
  /** The highest id minted so far: the next ones go above it, whatever the clock says. */
  lastId(): number;
};
