import { connect } from "node:net";

/** What came back over a bare connection: null status when it was closed without a word. */
export type Spoken = { status: number | null; headers: Headers; body: string; text: string; afterMs: number };

const WAIT_MAX_MS = 60_000;

/** Sends bytes as they are, and waits for one whole answer or the end of the connection. */
export function speak(
  port: number,
  bytes: string | Buffer,
  trickle?: { byte: string; everyMs: number },
): Promise<Spoken> {
  return new Promise((resolve, reject) => {
    const beganMs = performance.now();
    let text = "";
    const socket = connect(port, "127.0.0.1", () =>
      socket.write(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes),
    );
    const timer = trickle === undefined ? undefined : setInterval(() => socket.write(trickle.byte), trickle.everyMs);
    const late = setTimeout(() => finish(new Error(`neither an answer nor an end, but ${text}`)), WAIT_MAX_MS);
    const finish = (error?: Error): void => {
      clearInterval(timer);
      clearTimeout(late);
      socket.destroy();
      if (error === undefined) resolve({ ...partsOf(text), text, afterMs: performance.now() - beganMs });
      else reject(error);
    };
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1");
      if (isWhole(text)) finish();
    });
    // Whoever goes on sending to a closed connection is told so.
    socket.on("error", () => finish());
    socket.on("close", () => finish());
  });
}

function withoutContinue(text: string): string {
  return text.replace(/^HTTP\/1\.1 100 [^\r]*\r\n\r\n/, "");
}

function isWhole(text: string): boolean {
  const answer = withoutContinue(text);
  const end = answer.indexOf("\r\n\r\n");
  if (end < 0) return false;
  const length = /\r\ncontent-length: (\d+)/i.exec(answer.slice(0, end))?.[1];
  return length !== undefined && answer.length >= end + 4 + Number(length);
}

function partsOf(text: string): Pick<Spoken, "status" | "headers" | "body"> {
  const [head = "", ...rest] = withoutContinue(text).split("\r\n\r\n");
  const [first = "", ...lines] = head.split("\r\n");
  const headers = new Headers();
  for (const line of lines) headers.append(line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trim());
  const status = /^HTTP\/1\.1 (\d{3})/.exec(first)?.[1];
  return { status: status === undefined ? null : Number(status), headers, body: rest.join("\r\n\r\n") };
}
