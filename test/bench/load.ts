import type { Socket } from "bun";

/** What one run of requests over some connections came to. Latencies in milliseconds. */
export type LoadResult = {
  latencies: readonly number[];
  seconds: number;
  perSecond: number;
  p50: number;
  p99: number;
  failed: number;
};

type Connection = { sentAt: number; expected: number; received: string; socket: Socket<Connection> | null };

const HEAD_END = "\r\n\r\n";

/**
 * Keeps every connection busy with one request at a time, over plain sockets: a client that parses more would measure
 * itself. `bodyOf` makes the bodies beforehand, so that the clock sees none of that.
 */
export async function load(options: {
  port: number;
  path: string;
  connections: number;
  requests: number;
  bodyOf: (index: number) => string;
  /** Where each request is another GET instead of a body. */
  pathOf?: (index: number) => string;
  /** How long each connection rests after an answer. */
  pauseMs?: number;
  /** So many and no more, as long as some connection is free; otherwise as many as go in. */
  perSecond?: number;
  /** Ends the run before all requests are sent. */
  stop?: AbortSignal;
  /** Further lines of each request's head. */
  headers?: string;
  onAnswer?: (answer: string) => void;
}): Promise<LoadResult> {
  const { port, path, connections, requests, pathOf, pauseMs = 0, perSecond = Number.POSITIVE_INFINITY } = options;
  const headers = `host: localhost\r\n${options.headers ?? ""}`;
  const messages = Array.from({ length: requests }, (_, index) => {
    if (pathOf !== undefined) return `GET ${pathOf(index)} HTTP/1.1\r\n${headers}\r\n`;
    const body = options.bodyOf(index);
    return `POST ${path} HTTP/1.1\r\n${headers}content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}${HEAD_END}${body}`;
  });
  const latencies: number[] = [];
  const free: Connection[] = [];
  let startedAt = 0;
  let next = 0;
  let failed = 0;
  const { promise: done, resolve, reject } = Promise.withResolvers<void>();
  const isDue = (): boolean => next < ((performance.now() - startedAt) / 1_000) * perSecond;
  const send = (connection: Connection): void => {
    const message = options.stop?.aborted === true ? undefined : messages[next];
    if (message === undefined) {
      if (latencies.length === next) resolve();
      return;
    }
    if (perSecond !== Number.POSITIVE_INFINITY && !isDue()) {
      free.push(connection);
      return;
    }
    next += 1;
    connection.sentAt = performance.now();
    connection.received = "";
    connection.socket?.write(message);
  };
  const open = () =>
    Bun.connect<Connection>({
      hostname: "127.0.0.1",
      port,
      data: { sentAt: 0, expected: 0, received: "", socket: null },
      socket: {
        data: ({ data: connection }, bytes) => {
          connection.received += bytes.toString("latin1");
          const headEnd = connection.received.indexOf(HEAD_END);
          if (headEnd < 0) return;
          const length = Number(/content-length: (\d+)/i.exec(connection.received)?.[1] ?? 0);
          if (connection.received.length < headEnd + HEAD_END.length + length) return;
          latencies.push(performance.now() - connection.sentAt);
          if (!connection.received.startsWith("HTTP/1.1 200")) failed += 1;
          options.onAnswer?.(connection.received);
          if (pauseMs === 0) send(connection);
          else setTimeout(send, pauseMs, connection);
        },
        error: (_, error) => reject(error),
        close: () => {
          if (latencies.length < next) reject(new Error("the server closed a connection under load"));
        },
      },
    });
  const sockets = await Promise.all(Array.from({ length: connections }, open));
  startedAt = performance.now();
  const pacer = setInterval(() => {
    for (const connection of free.splice(0)) send(connection);
  }, 1);
  for (const socket of sockets) {
    socket.data.socket = socket;
    send(socket.data);
  }
  await done;
  clearInterval(pacer);
  const seconds = (performance.now() - startedAt) / 1_000;
  for (const socket of sockets) socket.terminate();
  return resultOf(latencies, seconds, failed);
}

/** Several runs as if they were one. */
export function together(results: readonly LoadResult[]): LoadResult {
  const sum = (of: (result: LoadResult) => number) => results.reduce((total, one) => total + of(one), 0);
  return resultOf(
    results.flatMap(({ latencies }) => latencies),
    sum(({ seconds }) => seconds),
    sum(({ failed }) => failed),
  );
}

function resultOf(all: readonly number[], seconds: number, failed: number): LoadResult {
  const latencies = [...all].sort((a, b) => a - b);
  const percentile = (share: number) => latencies[Math.floor(latencies.length * share)] ?? 0;
  const perSecond = latencies.length / seconds;
  return { latencies, seconds, perSecond, p50: percentile(0.5), p99: percentile(0.99), failed };
}

export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

export function describe({ perSecond, p50, p99, failed }: LoadResult): string {
  const faults = failed === 0 ? "" : `  FAILED ${failed}`;
  return `${Math.round(perSecond)} requests/s  p50 ${p50.toFixed(2)} ms  p99 ${p99.toFixed(2)} ms${faults}`;
}
