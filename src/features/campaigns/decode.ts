import { isUtf8 } from "node:buffer";
import { AppError } from "../../core/error.ts";

export type Encoding = "utf-8" | "utf-16le" | "utf-16be" | "windows-1252";

export type Decoded = { utf8: Buffer; encoding: Encoding };

const LOOKED_AT_BYTES = 1_024;
/** Latin letters in UTF-16 have a zero in every other byte. */
const ZEROS_SHARE_MIN = 0.4;

/**
 * A list as UTF-8, whatever a spreadsheet saved it as: UTF-16 is known by its mark or its zeros, and what is no UTF-8
 * is taken for Windows-1252, which is Latin-1 with more letters.
 */
export function decodeList(bytes: Buffer): Decoded {
  if (bytes.length >= 4 && bytes.readUInt32LE() === 0x04034b50)
    throw new AppError("invalid", "the list is a spreadsheet or an archive; save it as CSV");
  const encoding = encodingOf(bytes);
  if (encoding === "utf-8") return { utf8: withoutMark(bytes), encoding };
  const text = new TextDecoder(encoding).decode(bytes);
  return { utf8: Buffer.from(text), encoding };
}

function encodingOf(bytes: Buffer): Encoding {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return "utf-16le";
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return "utf-16be";
  const head = bytes.subarray(0, LOOKED_AT_BYTES);
  const zeros = [0, 0];
  head.forEach((byte, index) => {
    if (byte === 0) zeros[index % 2] = (zeros[index % 2] ?? 0) + 1;
  });
  const [even = 0, odd = 0] = zeros.map((count) => count / Math.max(1, head.length / 2));
  if (odd >= ZEROS_SHARE_MIN && even < odd) return "utf-16le";
  if (even >= ZEROS_SHARE_MIN) return "utf-16be";
  return isUtf8(bytes) ? "utf-8" : "windows-1252";
}

function withoutMark(bytes: Buffer): Buffer {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes;
}
