import { listen } from "../../src/commands/serve.ts";
import type { ErrorBody } from "../../src/http/errors.ts";
import { type SentHeaders, type StartOptions, startInstance, type TestInstance } from "./instance.ts";

export type LiveAnswer<Body = ErrorBody> = { status: number; retry_after?: number; body: Body };
export type Closed = { code: number; reason: string };

/** One socket, as a program opens it; what is no text goes out as JSON. */
export type LiveClient = {
  send(frame: unknown): void;
  /** Sends, and waits for the answer that comes next. */
  ask<Body = ErrorBody>(frame: unknown): Promise<LiveAnswer<Body>>;
  /** All answers so far, in the order they came in. */
  answers: LiveAnswer<unknown>[];
  closed: Promise<Closed>;
  isOpen(): boolean;
  close(): void;
};

type Options = { headers?: SentHeaders; ca?: string };

/** Resolves when it is open, and fails when the server does not open it. */
export function openLive(url: string, { headers = {}, ca }: Options = {}): Promise<LiveClient> {
  const options = { headers, ...(ca === undefined ? {} : { tls: { ca } }) };
  // The types are a browser's, which knows no headers.
  const socket = new WebSocket(`${url.replace(/^http/, "ws")}/live`, options as unknown as string[]);
  const answers: LiveAnswer<unknown>[] = [];
  let waiting: { resolve: (answer: LiveAnswer<unknown>) => void; reject: (error: Error) => void }[] = [];
  const { promise: closed, resolve: tellClosed } = Promise.withResolvers<Closed>();
  const send = (frame: unknown): void => socket.send(typeof frame === "string" ? frame : JSON.stringify(frame));
  const client: LiveClient = {
    send,
    ask: <Body>(frame: unknown) => {
      const { promise, resolve, reject } = Promise.withResolvers<LiveAnswer<unknown>>();
      waiting.push({ resolve, reject });
      send(frame);
      return promise as Promise<LiveAnswer<Body>>;
    },
    answers,
    closed,
    isOpen: () => socket.readyState === WebSocket.OPEN,
    close: () => socket.close(),
  };
  return new Promise((resolve, reject) => {
    socket.onopen = () => resolve(client);
    socket.onmessage = ({ data }) => {
      const answer = JSON.parse(String(data)) as LiveAnswer<unknown>;
      answers.push(answer);
      waiting.shift()?.resolve(answer);
    };
    socket.onclose = ({ code, reason }) => {
      tellClosed({ code, reason });
      reject(new Error(`it was not opened: ${code} ${reason}`));
      for (const one of waiting) one.reject(new Error(`closed instead of answered: ${code} ${reason}`));
      waiting = [];
    };
  });
}

/** An instance that listens. */
export type LiveHouse = TestInstance & { url: string; port: number };

export function startLive(options: StartOptions = {}, host = "127.0.0.1"): LiveHouse {
  const house = startInstance(options);
  listen(house, { host, port: 0 });
  const port = house.app.server?.port ?? 0;
  return {
    ...house,
    url: `http://${host}:${port}`,
    port,
    [Symbol.asyncDispose]: async () => {
      await house.app.server?.stop(true);
      await house[Symbol.asyncDispose]();
    },
  };
}
