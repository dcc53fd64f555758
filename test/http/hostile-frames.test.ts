import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { eventually } from "../support/eventually.ts";
import { frameOf, handshake, OPCODES, openBare, VERSION } from "../support/frames.ts";
import { type LiveHouse, openLive, startLive } from "../support/live.ts";
import { MARKER } from "../support/secrecy.ts";
import { speak } from "../support/socket.ts";

setDefaultTimeout(60_000);

let house: LiveHouse;
beforeAll(() => {
  house = startLive({ origins: ["https://www.acme.example"] });
});
afterAll(() => house[Symbol.asyncDispose]());

const noFaults = () => expect(house.logged.filter((line) => line.includes('"error"'))).toEqual([]);
const EVENT = `{"event":"page_view","anonymous_id":"visitor-1","metadata":{"text":"${MARKER}"}}`;
const { continuation, text, binary, close, ping, pong } = OPCODES;
const KB = 1_024;

describe("hostile handshakes, byte by byte", () => {
  const without = (name: string) => handshake(VERSION).replace(new RegExp(`\r\n${name}: [^\r]*`), "");
  const table: [string, string, number, string][] = [
    ["none", `GET /live HTTP/1.1\r\nHost: a\r\nX-A: ${MARKER}\r\n\r\n`, 426, "upgrade_required"],
    ["a wish without a key", without("Sec-WebSocket-Key"), 426, "upgrade_required"],
    ["a key without a wish", without("Upgrade"), 426, "upgrade_required"],
    ["a wish for something else", handshake(VERSION).replace("websocket", `${MARKER}`), 426, "upgrade_required"],
    ["no version", handshake(), 426, "upgrade_required"],
    ["a version of the past", handshake("Sec-WebSocket-Version: 8"), 426, "upgrade_required"],
    ["a version that is none", handshake(`Sec-WebSocket-Version: ${MARKER}`), 426, "upgrade_required"],
    ["a key that is none", handshake(VERSION).replace(/Key: \S+/, `Key: ${MARKER}`), 426, "upgrade_required"],
    ["POST", handshake(VERSION).replace("GET", "POST"), 405, "method_not_allowed"],
    ["CONNECT, as HTTP/2 does", handshake(VERSION).replace("GET", "CONNECT"), 405, "method_not_allowed"],
    ["a protocol within", handshake(VERSION, `Sec-WebSocket-Protocol: ${MARKER}`), 422, "invalid"],
    ["another page", handshake(VERSION, `Origin: https://${MARKER}.example`), 403, "forbidden"],
    ["a key that is not ours", handshake(VERSION, `Authorization: Bearer sk_${MARKER}0123456789`), 401, "unauthorized"],
    ["a flood of headers", handshake(VERSION, ...Array(300).fill(`X-A: ${MARKER}`)), 431, ""],
  ];
  test.each(table)("%s", async (_, bytes, status, code) => {
    const answer = await speak(house.port, bytes);
    expect(answer.status).toBe(status);
    if (code !== "") expect(JSON.parse(answer.body).error.code).toBe(code);
    if (status === 426) expect(answer.headers.get("upgrade")).toBe("websocket");
    expect(answer.text.toLowerCase()).not.toContain(MARKER);
    noFaults();
  });

  test("what is offered besides is not taken up: no extension, nothing is named back", async () => {
    const socket = await openBare(
      house.port,
      `Sec-WebSocket-Extensions: permessage-deflate, ${MARKER}`,
      `X-A: ${MARKER}`,
    );
    expect(socket.head.toLowerCase()).not.toContain(MARKER);
    expect(socket.head.toLowerCase()).not.toContain("extensions");
    socket.destroy();
  });
});

const statusOf = (answer: string | undefined): number | undefined =>
  answer === undefined ? undefined : JSON.parse(answer).status;

describe("hostile frames, byte by byte", () => {
  const large = (bytes: number) => EVENT.replace(MARKER, "x".repeat(bytes - EVENT.length + MARKER.length));
  /** The code of the closing, or the status of the one answer. */
  const table: [string, Uint8Array[], number][] = [
    ["bytes", [frameOf(binary, EVENT)], 1003],
    ["no bytes", [frameOf(binary, "")], 1003],
    ["an empty text", [frameOf(text, "")], 400],
    ["a byte more than is taken", [frameOf(text, large(64 * KB + 1))], 1009],
    [
      "a frame that is too large, in pieces",
      [frameOf(text, large(40 * KB), { isLast: false }), frameOf(continuation, large(40 * KB))],
      1009,
    ],
    ["a megabyte", [frameOf(text, large(KB * KB))], 1009],
    ["ten gigabytes, by its own word", [frameOf(text, EVENT, { saidBytes: 10_737_418_240 })], 1009],
    ["as large as is taken, its text too long for one event", [frameOf(text, large(64 * KB))], 413],
    ["what is no UTF-8", [frameOf(text, Buffer.from([0x22, 0xff, 0xfe, 0x22]))], 1007],
    ["half a character", [frameOf(text, Buffer.from("ä").subarray(0, 1))], 1007],
    ["a lone surrogate", [frameOf(text, Buffer.from([0xed, 0xa0, 0x80]))], 1007],
    ["what is not masked", [frameOf(text, EVENT, { isMasked: false })], 1002],
    ["bits that nobody agreed on", [frameOf(text, EVENT, { reserved: 4 })], 1002],
    ["all bits of that kind", [frameOf(text, EVENT, { reserved: 7 })], 1002],
    ["a kind that there is none of", [frameOf(5, EVENT)], 1002],
    ["the end of what never began", [frameOf(continuation, EVENT)], 1002],
    ["one text within another", [frameOf(text, "{", { isLast: false }), frameOf(text, EVENT)], 1002],
    ["a ping that is too large", [frameOf(ping, Buffer.alloc(126))], 1002],
    ["a ping in pieces", [frameOf(ping, MARKER.slice(0, 1), { isLast: false })], 1002],
    ["a closing of one byte", [frameOf(close, Buffer.from([3]))], 1002],
    ["HTTP", [Buffer.from(`POST /track HTTP/1.1\r\nHost: a\r\n\r\n${EVENT}`)], 1002],
    [
      "an event in pieces of a byte",
      [...Buffer.from(EVENT)].map((byte, index, all) =>
        frameOf(index === 0 ? text : continuation, Buffer.from([byte]), { isLast: index === all.length - 1 }),
      ),
      200,
    ],
    ["a pong that nobody asked for", [frameOf(pong, MARKER), frameOf(text, EVENT)], 200],
    ["NUL", [frameOf(text, "\0")], 400],
    ["a byte order mark", [frameOf(text, `\ufeff${EVENT}`)], 400],
    ["brackets", [frameOf(text, "[".repeat(60_000))], 400],
    ["brackets that are closed", [frameOf(text, `${"[".repeat(30_000)}${"]".repeat(30_000)}`)], 422],
    ["the prototype", [frameOf(text, EVENT.replace('"metadata"', '"__proto__"'))], 422],
  ];
  test.each(table)("%s", async (_, frames, outcome) => {
    const socket = await openBare(house.port);
    socket.write(Buffer.concat(frames));
    const outcomeOf = () => socket.closing()?.code ?? statusOf(socket.texts()[0]) ?? (socket.isEnded() && "no word");
    expect(await eventually(outcomeOf, "an answer or the end")).toBe(outcome);
    socket.destroy();
    expect(socket.texts().join("\n").toLowerCase()).not.toContain(MARKER);
    expect(socket.closing()?.reason ?? "").not.toContain(MARKER);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    noFaults();
  });

  test("what is just too large is told the limit and the remedy", async () => {
    const socket = await openBare(house.port);
    socket.write(frameOf(text, large(64 * KB + 1)));
    const closing = await eventually(() => socket.closing(), "the closing");
    expect(closing).toEqual({ code: 1009, reason: "a frame may have 64 KB; send it in smaller parts" });
  });

  test("a closing that is begun is ended, whatever comes after", async () => {
    const socket = await openBare(house.port);
    socket.write(Buffer.concat([frameOf(close, Buffer.from([3, 232])), frameOf(text, EVENT), frameOf(text, EVENT)]));
    expect(await eventually(() => socket.closing(), "the closing")).toMatchObject({ code: 1000 });
    await eventually(() => socket.isEnded(), "the end");
  });

  test("and the server still serves, over the same socket and over others", async () => {
    const client = await openLive(house.url);
    const other = await openBare(house.port);
    other.write(frameOf(text, EVENT, { reserved: 7 }));
    await eventually(() => other.isEnded(), "the end of the other");
    expect(await client.ask(EVENT)).toMatchObject({ status: 200 });
  });
});
