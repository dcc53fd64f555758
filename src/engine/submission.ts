import type { Command, Outcome } from "../core/decide.ts";
import type { AppError } from "../core/error.ts";
import { formatId } from "../core/id.ts";
import type { RejectedEvent } from "../store/port.ts";

/** What the request is called in the log that something was submitted by; asked for when there is something to log. */
export type RequestId = () => string;

export type Submission = {
  commands: readonly Command[];
  rejected: readonly RejectedEvent[];
  requestId: RequestId | null;
  resolve: (outcomes: (Outcome | AppError)[]) => void;
  reject: (error: unknown) => void;
  /** How often it found the file held by somebody else. */
  waits: number;
};

export function rowsOf({ commands, rejected }: Submission): number {
  return commands.length + rejected.length;
}

export function repliesOf(batch: readonly Submission[], outcomes: readonly (Outcome | AppError)[]): (() => void)[] {
  let position = 0;
  return batch.map(({ commands, resolve }) => {
    const own = outcomes.slice(position, position + commands.length);
    position += commands.length;
    return () => resolve(own);
  });
}

/** The request that the command at this place of the batch came with. */
export function requestAt(batch: readonly Submission[], position: number): string | null {
  let end = 0;
  const asked = batch.find(({ commands }) => {
    end += commands.length;
    return position < end;
  });
  return (asked ?? batch[0])?.requestId?.() ?? null;
}

/** The id of the request that brought a signal. */
export type CauseOf = (signalId: string) => string | null;

/** The request that brought each signal. Looked through when the first one is asked for. */
export function causesIn(batch: readonly Submission[], outcomes: readonly (Outcome | AppError)[]): CauseOf {
  let positions: Map<string, number> | null = null;
  return (signalId) => {
    positions ??= new Map(
      outcomes.flatMap((outcome, position) =>
        "signals" in outcome ? outcome.signals.map((one) => [formatId("signal", one.signalId), position] as const) : [],
      ),
    );
    const position = positions.get(signalId);
    return position === undefined ? null : requestAt(batch, position);
  };
}
