import type { ServerWebSocket } from "bun";
import type { FrameAnswer } from "./answer-frame.ts";
import { BINARY, type Ending, TOO_LARGE, TOO_MANY_BYTES, TOO_MANY_FRAMES } from "./ending.ts";
import { FRAME_BYTES_MAX, FRAMES_WAITING_BYTES_MAX, FRAMES_WAITING_MAX } from "./limits.ts";

type Wire = Pick<ServerWebSocket<unknown>, "send" | "close">;

/** A frame with its answer, null as long as there is none. */
type Taken = { bytes: number; answer: string | null };

/** What happens on one connection, under the names by which Elysia hands it on. */
export type LiveSocket = {
  open(wire: Wire): void;
  message(wire: Wire, frame: string | Uint8Array): void;
  close(): void;
  /** Takes nothing more; closes once everything that was taken is answered. */
  end(ending: Ending): void;
};

export type LiveSocketOptions = {
  /** What one frame comes to; it never fails. Called in the order of arrival, and not one after the other. */
  answer: (text: string) => Promise<FrameAnswer>;
  /** Called once it is closed, whoever closed it. */
  onClosed: () => void;
};

/** Answers each frame with one of its own, in the order of arrival, whatever is ready first. */
export function createLiveSocket({ answer, onClosed }: LiveSocketOptions): LiveSocket {
  let wire: Wire | null = null;
  let ending: Ending | null = null;
  let taken: Taken[] = [];
  let bytes = 0;
  let isClosed = false;

  const closeIfDone = (): void => {
    if (wire !== null && ending !== null && taken.length === 0) wire.close(ending.code, ending.reason);
  };

  const sendReady = (): void => {
    const unready = taken.findIndex((frame) => frame.answer === null);
    const ready = unready < 0 ? taken : taken.slice(0, unready);
    taken = taken.slice(ready.length);
    for (const frame of ready) {
      bytes -= frame.bytes;
      wire?.send(frame.answer ?? "");
    }
    closeIfDone();
  };

  const end = (because: Ending): void => {
    ending ??= because;
    closeIfDone();
  };

  const take = async (text: string, size: number): Promise<void> => {
    const frame: Taken = { bytes: size, answer: null };
    taken.push(frame);
    bytes += size;
    const { ends, ...answered } = await answer(text);
    frame.answer = JSON.stringify(answered);
    // Nothing of what came after it is taken any more, and what was is answered.
    if (ends !== undefined) ending ??= ends;
    sendReady();
  };

  return {
    open: (opened) => {
      wire = opened;
      closeIfDone();
    },
    message: (_, frame) => {
      if (ending !== null || isClosed) return;
      if (typeof frame !== "string") return end(BINARY);
      const size = Buffer.byteLength(frame);
      if (size > FRAME_BYTES_MAX) return end(TOO_LARGE);
      if (taken.length >= FRAMES_WAITING_MAX) return end(TOO_MANY_FRAMES);
      if (bytes + size > FRAMES_WAITING_BYTES_MAX) return end(TOO_MANY_BYTES);
      void take(frame, size);
    },
    close: () => {
      wire = null;
      isClosed = true;
      onClosed();
    },
    end,
  };
}
