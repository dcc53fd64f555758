import { connect } from "node:net";
import { eventually } from "./eventually.ts";

/** As RFC 6455 numbers them. */
export const OPCODES = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export type Frame = { opcode: number; payload: Buffer };

type Odd = {
  isLast?: boolean;
  isMasked?: boolean;
  /** Bits that only extensions set. */
  reserved?: number;
  /** Another length than that of the payload. */
  saidBytes?: number;
};

const MASK = Buffer.from([0x12, 0x34, 0x56, 0x78]);

/** One frame to the byte, right or wrong. */
export function frameOf(opcode: number, payload: string | Uint8Array, odd: Odd = {}): Buffer {
  const { isLast = true, isMasked = true, reserved = 0 } = odd;
  const body = Buffer.from(payload);
  const bytes = odd.saidBytes ?? body.length;
  const first = (isLast ? 0x80 : 0) | (reserved << 4) | opcode;
  const mask = isMasked ? 0x80 : 0;
  const length =
    bytes < 126
      ? [mask | bytes]
      : bytes < 65_536
        ? [mask | 126, bytes >> 8, bytes & 255]
        : [mask | 127, ...longOf(bytes)];
  const head = Buffer.from([first, ...length]);
  if (!isMasked) return Buffer.concat([head, body]);
  for (let index = 0; index < body.length; index += 1) body[index] = (body[index] ?? 0) ^ (MASK[index % 4] ?? 0);
  return Buffer.concat([head, MASK, body]);
}

function longOf(bytes: number): number[] {
  const long = Buffer.alloc(8);
  long.writeBigUInt64BE(BigInt(bytes));
  return [...long];
}

/** The whole frames that a server sent, and what is left of the bytes. */
export function readFrames(bytes: Buffer): { frames: Frame[]; rest: Buffer } {
  const frames: Frame[] = [];
  let at = 0;
  while (bytes.length - at >= 2) {
    const opcode = (bytes[at] ?? 0) & 15;
    const short = (bytes[at + 1] ?? 0) & 127;
    const headBytes = short < 126 ? 2 : short === 126 ? 4 : 10;
    if (bytes.length - at < headBytes) break;
    const long =
      short === 126 ? bytes.readUInt16BE(at + 2) : short === 127 ? Number(bytes.readBigUInt64BE(at + 2)) : short;
    if (bytes.length - at < headBytes + long) break;
    frames.push({ opcode, payload: bytes.subarray(at + headBytes, at + headBytes + long) });
    at += headBytes + long;
  }
  return { frames, rest: bytes.subarray(at) };
}

/** What opens a socket at `/live`; further header lines come after. */
export function handshake(...lines: string[]): string {
  const key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
  const all = ["Host: intent.example.com", "Connection: Upgrade", "Upgrade: websocket", key, ...lines];
  return `GET /live HTTP/1.1\r\n${all.map((line) => `${line}\r\n`).join("")}\r\n`;
}

export const VERSION = "Sec-WebSocket-Version: 13";

/** A socket spoken byte by byte, which may also keep silent and deaf. */
export type BareSocket = {
  /** What the server answered the handshake with. */
  head: string;
  write(bytes: Uint8Array): void;
  frames: Frame[];
  texts(): string[];
  /** The code and reason of the server's close frame; null as long as there is none. */
  closing(): { code: number; reason: string } | null;
  isEnded(): boolean;
  /** From now on nothing is read. */
  turnDeaf(): void;
  destroy(): void;
};

export async function openBare(port: number, ...lines: string[]): Promise<BareSocket> {
  const frames: Frame[] = [];
  let head: string | null = null;
  let rest = Buffer.alloc(0);
  let isEnded = false;
  const socket = connect(port, "127.0.0.1", () => socket.write(handshake(VERSION, ...lines)));
  socket.on("data", (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    if (head === null) {
      const end = rest.indexOf("\r\n\r\n");
      if (end < 0) return;
      head = rest.subarray(0, end).toString("latin1");
      rest = rest.subarray(end + 4);
    }
    const read = readFrames(rest);
    frames.push(...read.frames);
    rest = Buffer.from(read.rest);
  });
  socket.on("error", () => undefined);
  socket.on("close", () => {
    isEnded = true;
  });
  await eventually(() => head !== null || isEnded, "the handshake's answer");
  if (!String(head).startsWith("HTTP/1.1 101 ")) throw new Error(`it was not opened: ${head}`);
  return {
    head: String(head),
    write: (bytes) => void socket.write(bytes),
    frames,
    texts: () => frames.filter(({ opcode }) => opcode === OPCODES.text).map(({ payload }) => payload.toString()),
    closing: () => {
      const payload = frames.find(({ opcode }) => opcode === OPCODES.close)?.payload;
      // One without a reason is a close as well.
      if (payload !== undefined && payload.length < 2) return { code: 1005, reason: "" };
      return payload === undefined ? null : { code: payload.readUInt16BE(0), reason: payload.subarray(2).toString() };
    },
    isEnded: () => isEnded,
    turnDeaf: () => void socket.pause(),
    destroy: () => void socket.destroy(),
  };
}
