import type { Socket } from "bun";

export type Reply = { status: number; head: string; body: string };

/** One connection that says exactly the bytes it is given, and opens anew when the server has had enough. */
export type Wire = {
  /** Null when the server closed without a word, or said nothing for so long. */
  ask(request: Uint8Array, isHead: boolean, silenceMaxMs: number): Promise<Reply | null>;
  close(): void;
};

const HEAD_END = "\r\n\r\n";
const NO_BODY = [204, 304];

export function openWire(port: number): Wire {
  let socket: Socket | null = null;
  let received = "";
  let look: (isClosed: boolean) => void = () => undefined;

  const open = async (): Promise<Socket> => {
    received = "";
    return await Bun.connect({
      hostname: "127.0.0.1",
      port,
      socket: {
        data: (_, bytes) => {
          received += bytes.toString("latin1");
          look(false);
        },
        close: (closed) => {
          if (closed !== socket) return;
          socket = null;
          look(true);
        },
        error: () => undefined,
      },
    });
  };

  const hangUp = (): void => {
    const current = socket;
    socket = null;
    current?.terminate();
  };

  const askOnce = async (request: Uint8Array, isHead: boolean, silenceMaxMs: number): Promise<Reply | null> => {
    socket ??= await open();
    received = "";
    const { promise, resolve } = Promise.withResolvers<Reply | null>();
    look = (isClosed) => {
      const reply = readReply(received, isHead, isClosed);
      if (reply !== null || isClosed) resolve(reply);
    };
    const timer = setTimeout(() => resolve(null), silenceMaxMs);
    socket.write(request);
    const reply = await promise;
    clearTimeout(timer);
    look = () => undefined;
    // What is left of a conversation that went wrong would be taken for the next answer.
    if (reply === null || reply.status >= 400 || /^connection: *close/im.test(reply.head)) hangUp();
    return reply;
  };

  return {
    ask: async (request, isHead, silenceMaxMs) => {
      const isReused = socket !== null;
      const beganMs = performance.now();
      const reply = await askOnce(request, isHead, silenceMaxMs);
      const isSilent = performance.now() - beganMs >= silenceMaxMs;
      // A server may close a connection between two requests, and whoever sends the next one then sends it again.
      if (reply !== null || !isReused || isSilent || received !== "") return reply;
      return askOnce(request, isHead, silenceMaxMs);
    },
    close: hangUp,
  };
}

/** The whole answer; null while some of it is missing. */
function readReply(text: string, isHead: boolean, isClosed: boolean): Reply | null {
  const headEnd = text.indexOf(HEAD_END);
  const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(text)?.[1] ?? 0);
  if (headEnd < 0 || status === 0) return null;
  if (status < 200)
    return status === 101 ? { status, head: text, body: "" } : readReply(text.slice(headEnd + 4), isHead, isClosed);
  const head = text.slice(0, headEnd);
  const body = text.slice(headEnd + HEAD_END.length);
  if (isHead || NO_BODY.includes(status)) return { status, head, body: "" };
  const length = /^content-length: *(\d+)/im.exec(head)?.[1];
  if (length !== undefined) return body.length >= Number(length) ? { status, head, body } : null;
  const isWhole = /^transfer-encoding: *chunked/im.test(head) ? /(^|\r\n)0\r\n\r\n$/.test(body) : isClosed;
  return isWhole ? { status, head, body } : null;
}
