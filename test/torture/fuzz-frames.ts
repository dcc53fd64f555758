import fc from "fast-check";
import { frameOf, OPCODES, openBare } from "../support/frames.ts";
import { MARKER } from "../support/secrecy.ts";

/** As much as is said of one frame, right or wrong. */
const opcode = fc.oneof(
  { weight: 12, arbitrary: fc.constant(OPCODES.text) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 15 }) },
);
const odd = fc.record({
  isLast: fc.integer({ min: 0, max: 15 }).map((chance) => chance !== 0),
  isMasked: fc.integer({ min: 0, max: 30 }).map((chance) => chance !== 0),
  reserved: fc.oneof(
    { weight: 30, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 7 }) },
  ),
});

/** Frames of these bodies, and now and then bytes that are none. */
export function frames(body: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array[]> {
  const frame = fc.tuple(opcode, body, odd).map(([kind, payload, how]) => frameOf(kind, payload, how));
  const anything = fc.oneof(
    { weight: 15, arbitrary: frame },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }) },
  );
  return fc.array(anything, { minLength: 1, maxLength: 8 });
}

export type FramesSent = { frames: number; answers: number; wrong: string | null };

/**
 * All of them on a socket of their own: what comes back is no fault of ours, and nothing of what was sent. `after`
 * resolves when the server has come to what was sent later than they were.
 */
export async function sendFrames(
  port: number,
  sent: readonly Uint8Array[],
  after: () => Promise<unknown>,
): Promise<FramesSent> {
  const socket = await openBare(port);
  socket.write(Buffer.concat(sent));
  await after();
  const texts = socket.texts();
  const reason = socket.closing()?.reason ?? "";
  socket.destroy();
  return { frames: sent.length, answers: texts.length, wrong: whatIsWrong(texts, reason) };
}

function whatIsWrong(texts: readonly string[], reason: string): string | null {
  for (const text of texts) {
    const { status, body } = JSON.parse(text) as { status: number; body: unknown };
    if (status >= 500) return `answered ${status} with ${text.slice(0, 300)}`;
    // Meant to come back: an event's own id.
    const said = JSON.stringify(body).replace(/"event_id":"(?:[^"\\]|\\.)*"/g, "");
    if (said.toLowerCase().includes(MARKER)) return `answered with what was sent: ${text.slice(0, 300)}`;
  }
  return reason.toLowerCase().includes(MARKER) ? `closed with what was sent: ${reason}` : null;
}
