import { DAY_MS } from "../core/duration.ts";
import type { Answer, Verdict } from "./interface.ts";

const ANSWER_KEPT_MAX = 500;
/** What is looked at for it; some vendors' answers are much longer. */
const ANSWER_SEEN_MAX = 4_096;
/** The shortest run of characters that, when it also stands in what we sent, is taken for an echo of it. */
const ECHO_MIN = 6;
export const RETRY_AFTER_MAX_MS = DAY_MS;

/** The rule of plain HTTP: 2xx is delivered, 410 is gone, all else is tried again, at the earliest when it says. */
export function judgeHttp(answer: Answer, nowMs: number): Verdict {
  const { status } = answer;
  if (status === null) return { outcome: "retry" };
  if (status >= 200 && status < 300) return { outcome: "delivered" };
  if (status === 410) return { outcome: "gone" };
  const afterMs = retryAfterMs(answer, nowMs);
  return afterMs === null ? { outcome: "retry" } : { outcome: status === 429 ? "limited" : "retry", afterMs };
}

/** `Retry-After` in either form: seconds, or an HTTP date. */
export function retryAfterMs({ retryAfter }: Answer, nowMs: number): number | null {
  if (retryAfter === null || retryAfter === "") return null;
  const seconds = Number(retryAfter);
  return boundedMs(Number.isNaN(seconds) ? Date.parse(retryAfter) - nowMs : seconds * 1_000);
}

export function boundedMs(afterMs: number): number | null {
  return Number.isNaN(afterMs) ? null : Math.max(0, Math.min(Math.ceil(afterMs), RETRY_AFTER_MAX_MS));
}

/** The answer's body as an object, for vendors that explain themselves in JSON. */
export function jsonOf({ body }: Pick<Answer, "body">): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}

/**
 * What is kept of an answer for people to see: bounded, and without what we sent. Receivers like to quote a request in
 * their errors, and with it a person's e-mail or our own secret.
 */
export function keepable(answer: string, sent: readonly string[]): string {
  if (answer === "") return "";
  const text = answer
    .slice(0, ANSWER_SEEN_MAX)
    .replace(/[^\s@"'<>]+@[^\s@"'<>]+/g, "…")
    .slice(0, ANSWER_KEPT_MAX)
    .trim();
  const everything = sent.join("\n");
  let kept = "";
  for (let start = 0; start < text.length; ) {
    let length = 0;
    if (everything.includes(text.slice(start, start + ECHO_MIN)) && start + ECHO_MIN <= text.length) {
      length = ECHO_MIN;
      while (start + length < text.length && everything.includes(text.slice(start, start + length + 1))) length += 1;
    }
    if (length === 0) kept += text[start];
    else if (!kept.endsWith("…")) kept += "…";
    start += Math.max(length, 1);
  }
  return kept;
}
