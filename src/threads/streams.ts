import type { IntentConfig } from "../config/intent.ts";
import { AppError } from "../core/error.ts";
import type { Asker } from "../http/request-id.ts";
import type { Subject } from "../store/sqlite/person-scope.ts";
import { errorOf, type Refused } from "./refused.ts";
import { createThreads, type Lent } from "./threads.ts";

/** Each has a thread of its own, and holds an old state of the file, which keeps its log from being cut. */
const EXPORTS_MAX = 4;
/** Whoever stops taking must not keep either. */
const EXPORT_MAX_MS = 10 * 60_000;
/** Pieces that are made and not yet taken; one more is on its way. */
const PIECES_AHEAD_MAX = 4;
/** Between two pieces a thread hears that it is to stop. */
const STOP_MAX_MS = 5_000;
const STOPPING: Refused = {
  refused: { code: "unavailable", message: "the server is being stopped; ask again in a moment", field: null },
};
/** What could not be made. */
const WHAT = "the export";

export type StreamRequest =
  | { name: "person"; said: string | null }
  | { name: "campaign"; campaignId: number; isHashed: boolean };

export type StreamJob = {
  stream: StreamRequest;
  dataFolder: string;
  config: IntentConfig;
  configHash: string;
  nowMs: number;
};

/** What the thread is told. */
export type StreamCall = StreamJob | { ask: "next" | "stop" };

/** What it says: first what it is of, then a piece for each that is asked for. */
export type StreamSaid = { head: unknown } | { piece: Uint8Array<ArrayBuffer> } | { isThrough: true } | Refused;

export type Streamed<Head> = { head: Head; body: ReadableStream<Uint8Array> };

export type StreamsOptions = {
  /** What the thread runs: something that loads threads/worker.ts. */
  script: string;
  context: () => Omit<StreamJob, "stream">;
  /** Told of what breaks off an answer that had begun; before that it is the cause of the error. */
  onFault: (fault: string, asker: Asker) => void;
};

export type Streams = {
  /** Everything about a person. */
  exportPerson(said: string | null, asker: Asker): Promise<Streamed<Subject>>;
  exportCampaign(campaignId: number, isHashed: boolean, asker: Asker): Promise<Streamed<null>>;
  close(): void;
};

/**
 * What is long and read piece by piece: a thread reads and writes it out, as it stood when it was asked for, and makes
 * the next piece when one was taken. A fault in the middle breaks the answer off, so that half of it never looks whole.
 */
export function createStreams({ script, context, onFault }: StreamsOptions): Streams {
  const threads = createThreads<never, never>(script);
  let underWay = 0;
  let isClosed = false;
  const open = async <Head>(stream: StreamRequest, asker: Asker): Promise<Streamed<Head>> => {
    if (underWay >= EXPORTS_MAX) {
      throw new AppError("overloaded", `${EXPORTS_MAX} exports are under way; ask again when one is through`);
    }
    underWay += 1;
    const onEnd = (): void => {
      underWay -= 1;
    };
    const talk = { asker, onEnd, onFault, isClosed: () => isClosed };
    return (await receive(threads.lend(), { ...context(), stream }, talk)) as Streamed<Head>;
  };
  return {
    exportPerson: (said, asker) => open({ name: "person", said }, asker),
    exportCampaign: (campaignId, isHashed, asker) => open({ name: "campaign", campaignId, isHashed }, asker),
    close: () => {
      isClosed = true;
      threads.close();
    },
  };
}

export function isStreamCall(call: object): call is StreamCall {
  return "stream" in call || "ask" in call;
}

type Talk = {
  asker: Asker;
  onEnd: () => void;
  onFault: StreamsOptions["onFault"];
  /** A thread that ends then does what it was told. */
  isClosed: () => boolean;
};

/** The near side of one stream; the thread is given back when it is through, or has stopped. */
function receive({ thread, giveBack, end }: Lent, job: StreamJob, talk: Talk): Promise<Streamed<unknown>> {
  const begun = Promise.withResolvers<Streamed<unknown>>();
  const ended = Promise.withResolvers<void>();
  const over = new AbortController();
  let controller: ReadableStreamDefaultController<Uint8Array> | null = null;
  const tell = (call: StreamCall): void => thread.postMessage(call);

  const settle = (leave: () => void): void => {
    if (over.signal.aborted) return;
    over.abort();
    clearTimeout(timer);
    leave();
    talk.onEnd();
    ended.resolve();
  };
  const breakOff = (error: Error): void => {
    begun.reject(error);
    // Without a word: Bun writes one to standard error, and the log has said it better.
    controller?.error();
    controller = null;
  };
  const stop = (): Promise<void> => {
    if (over.signal.aborted) return ended.promise;
    clearTimeout(timer);
    timer = setTimeout(() => settle(end), STOP_MAX_MS);
    tell({ ask: "stop" });
    return ended.promise;
  };
  let isBegun = false;
  const begin = (head: unknown): void => {
    isBegun = true;
    const source = {
      start: (own: ReadableStreamDefaultController<Uint8Array>) => {
        controller = own;
      },
      pull: () => tell({ ask: "next" }),
      cancel: () => {
        controller = null;
        return stop();
      },
    };
    begun.resolve({ head, body: new ReadableStream(source, { highWaterMark: PIECES_AHEAD_MAX }) });
  };
  const finish = (said: { isThrough: true } | Refused): void => {
    if ("isThrough" in said) {
      controller?.close();
      return;
    }
    if (said.fault !== undefined && isBegun) talk.onFault(said.fault, talk.asker);
    breakOff(errorOf(said, WHAT));
  };
  const hear = (said: StreamSaid): void => {
    if ("head" in said) begin(said.head);
    else if ("piece" in said) controller?.enqueue(said.piece);
    else {
      settle(giveBack);
      finish(said);
    }
  };
  const lose = (why: string): void => {
    settle(end);
    finish(talk.isClosed() ? STOPPING : { fault: why });
  };

  let timer = setTimeout(() => {
    finish({ fault: "the export was not taken in time" });
    void stop();
  }, EXPORT_MAX_MS);
  timer.unref();
  const { signal } = over;
  thread.addEventListener("message", ({ data }: MessageEvent<StreamSaid>) => hear(data), { signal });
  thread.addEventListener("error", () => lose("the thread could not start"), { signal });
  thread.addEventListener("close", () => lose("the thread ended"), { signal });
  const leave = (): void => {
    breakOff(new AppError("client_gone", "whoever asked does not wait for it any more"));
    void stop();
  };
  talk.asker.signal.addEventListener("abort", leave, { signal });
  tell(job);
  if (talk.asker.signal.aborted) leave();
  return begun.promise;
}
