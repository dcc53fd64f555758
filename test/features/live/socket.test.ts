import { describe, expect, test } from "bun:test";
import type { FrameAnswer } from "../../../src/features/live/answer-frame.ts";
import {
  BINARY,
  KEY_GONE,
  STOPPING,
  TOO_LARGE,
  TOO_MANY_BYTES,
  TOO_MANY_FRAMES,
  TOO_MANY_OF_NETWORK,
  TOO_MANY_SOCKETS,
} from "../../../src/features/live/ending.ts";
import {
  FRAME_BYTES_MAX,
  FRAMES_WAITING_BYTES_MAX,
  SOCKETS_MAX,
  socketOptions,
} from "../../../src/features/live/limits.ts";
import { createLiveSocket } from "../../../src/features/live/socket.ts";
import { createLiveSockets } from "../../../src/features/live/sockets.ts";

/** A socket whose answers are given by hand, in any order. */
function openByHand() {
  const sent: string[] = [];
  const asked: { text: string; resolve: (answer: FrameAnswer) => void }[] = [];
  let isClosed = 0;
  const socket = createLiveSocket({
    answer: (text) => new Promise((resolve) => asked.push({ text, resolve })),
    onClosed: () => (isClosed += 1),
  });
  const wire = {
    send: (text: string) => sent.push(text),
    close: (code: number, reason: string) => {
      sent.push(`${code} ${reason}`);
      socket.close();
    },
  } as unknown as Parameters<typeof socket.open>[0];
  socket.open(wire);
  return {
    socket,
    sent,
    asked,
    say: (frame: string | Uint8Array) => socket.message(wire, frame),
    isClosed: () => isClosed,
    answer: async (index: number, more: Partial<FrameAnswer> = {}) => {
      asked[index]?.resolve({ status: 200, body: { index }, ...more });
      await Promise.resolve();
      await Promise.resolve();
    },
  };
}

const told = (index: number) => JSON.stringify({ status: 200, body: { index } });
const closed = ({ code, reason }: { code: number; reason: string }) => `${code} ${reason}`;

describe("one socket", () => {
  test("keeps back what is ready too early", async () => {
    const { say, answer, sent } = openByHand();
    for (const text of ["a", "b", "c"]) say(text);
    await answer(2);
    await answer(1);
    expect(sent).toEqual([]);
    await answer(0);
    expect(sent).toEqual([told(0), told(1), told(2)]);
  });

  test("closes when all it took is answered, and takes nothing meanwhile", async () => {
    const { socket, say, answer, sent, asked, isClosed } = openByHand();
    say("a");
    say("b");
    socket.end(STOPPING);
    socket.end(KEY_GONE);
    say("c");
    await answer(0);
    expect([sent, isClosed()]).toEqual([[told(0)], 0]);
    await answer(1);
    expect(sent).toEqual([told(0), told(1), closed(STOPPING)]);
    expect([asked.length, isClosed()]).toEqual([2, 1]);
    say("d");
    expect(asked).toHaveLength(2);
  });

  test("closes at once when nothing is under way, also before it is open", () => {
    const { socket, sent } = openByHand();
    socket.end(STOPPING);
    expect(sent).toEqual([closed(STOPPING)]);
  });

  test("may be told by an answer to close", async () => {
    const { say, answer, sent } = openByHand();
    say("a");
    say("b");
    await answer(0, { ends: KEY_GONE });
    await answer(1);
    expect(sent).toEqual([told(0), told(1), closed(KEY_GONE)]);
  });

  test("drops answers to who is gone", async () => {
    const { socket, say, answer, sent } = openByHand();
    say("a");
    socket.close();
    await answer(0);
    expect(sent).toEqual([]);
  });

  test("takes no bytes, and no more of them at once than is said", async () => {
    const binary = openByHand();
    binary.say(new Uint8Array([123, 125]));
    expect(binary.sent).toEqual([closed(BINARY)]);
    const large = openByHand();
    large.say("ä".repeat(FRAME_BYTES_MAX / 2 + 1));
    expect(large.sent).toEqual([closed(TOO_LARGE)]);
    const heavy = openByHand();
    for (let frame = 0; frame < 5; frame += 1) heavy.say("x".repeat(FRAMES_WAITING_BYTES_MAX / 4));
    expect(heavy.asked).toHaveLength(4);
    for (let frame = 0; frame < 4; frame += 1) await heavy.answer(frame);
    expect(heavy.sent.at(-1)).toBe(closed(TOO_MANY_BYTES));
  });
});

describe("all sockets", () => {
  const options = { answer: () => new Promise<FrameAnswer>(() => undefined) };
  const wireOf = () => {
    const said: string[] = [];
    const wire = { send: () => 1, close: (code: number, reason: string) => void said.push(`${code} ${reason}`) };
    return { said, wire: wire as unknown as Parameters<ReturnType<typeof createLiveSocket>["open"]>[0] };
  };

  test("are so many, and one more when one goes", async () => {
    const sockets = createLiveSockets();
    const open = Array.from({ length: SOCKETS_MAX }, () => sockets.create(null, options));
    const { wire, said } = wireOf();
    const extra = sockets.create(null, options);
    extra.open(wire);
    expect(said).toEqual([closed(TOO_MANY_SOCKETS)]);
    extra.close();
    expect(sockets.count()).toBe(SOCKETS_MAX);
    open[0]?.close();
    open[0]?.close();
    expect(sockets.count()).toBe(SOCKETS_MAX - 1);
    const next = wireOf();
    sockets.create(null, options).open(next.wire);
    expect(next.said).toEqual([]);
  });

  test("that the server could not open are not counted", () => {
    const sockets = createLiveSockets();
    sockets.create("203.0.113.9", options).close();
    expect(sockets.count()).toBe(0);
  });
});

test("what is told of a closing fits into its frame, and names what to do", () => {
  const endings = [
    STOPPING,
    BINARY,
    KEY_GONE,
    TOO_MANY_FRAMES,
    TOO_MANY_BYTES,
    TOO_MANY_SOCKETS,
    TOO_MANY_OF_NETWORK,
    TOO_LARGE,
  ];
  for (const { reason } of endings) {
    expect(Buffer.byteLength(reason)).toBeLessThanOrEqual(123);
    expect(reason).toContain("; ");
  }
});

test("the socket itself lets pass what we refuse in our own words, and compresses nothing", () => {
  expect(socketOptions()).toMatchObject({
    maxPayloadLength: 2 * FRAME_BYTES_MAX,
    closeOnBackpressureLimit: true,
    sendPings: true,
    perMessageDeflate: false,
  });
});
