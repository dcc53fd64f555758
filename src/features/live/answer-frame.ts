import type { AppError } from "../../core/error.ts";
import { describeFault, type ErrorBody, errorBody, refusalOf, retryAfterOf } from "../../http/errors.ts";
import { refuseLoad } from "../../http/guard.ts";
import type { Keys } from "../../http/keys.ts";
import type { Limits } from "../../http/limits.ts";
import type { Log } from "../../http/log.ts";
import type { Metrics } from "../../http/metrics.ts";
import type { Overload } from "../../http/overload.ts";
import { requestIdOf } from "../../http/request-id.ts";
import { type Ending, KEY_GONE } from "./ending.ts";

/** Stores and scores what a body of events brings, as every other door to it does; resolves after the commit. */
export type TakeEvents = (text: string, headers: Headers, peer: () => string | null) => Promise<{ answer: object }>;

export type FrameDeps = {
  keys: Pick<Keys, "ingester">;
  limits: Pick<Limits, "admit">;
  overload: Pick<Overload, "isOverloaded">;
  metrics: Pick<Metrics, "countFrame">;
  log: Log;
};

/** Who sends: as the request said that opened the socket. */
export type Sender = { headers: Headers; peer: string | null };

/** What a request with this body would have been answered; the seconds to wait where it would have named them. */
export type FrameAnswer = {
  status: number;
  retry_after?: number;
  body: object | ErrorBody;
  /** This is the last answer. */
  ends?: Ending;
};

/** Guarded as a request of its own is; it never fails, so that a fault of one frame is that frame's. */
export async function answerFrame(
  text: string,
  { headers, peer }: Sender,
  take: TakeEvents,
  deps: FrameDeps,
): Promise<FrameAnswer> {
  const answered = await attempt();
  deps.metrics.countFrame(answered.status);
  return answered;

  async function attempt(): Promise<FrameAnswer> {
    try {
      refuseLoad(headers, peer, deps);
      const { answer } = await take(text, headers, () => peer);
      return { status: 200, body: answer };
    } catch (error) {
      return refusedBy(error, headers, deps);
    }
  }
}

function refusedBy(error: unknown, headers: Headers, { keys, log }: FrameDeps): FrameAnswer {
  const { known, status } = refusalOf({ error, code: "UNKNOWN", url: "" });
  if (known !== error && status >= 500) {
    log.error("frame_failed", { request_id: requestIdOf(headers), fault: describeFault(error) });
  }
  const retryAfterS = retryAfterOf(known);
  return {
    status,
    ...(retryAfterS === null ? {} : { retry_after: retryAfterS }),
    body: errorBody(known),
    ...(isKeyGone(known, headers, keys) ? { ends: KEY_GONE } : {}),
  };
}

/** Whether the key that opened the socket was revoked since: nothing that comes on it would be taken. */
function isKeyGone({ code }: AppError, headers: Headers, keys: Pick<Keys, "ingester">): boolean {
  if (code !== "unauthorized" && code !== "forbidden") return false;
  try {
    keys.ingester(headers);
    return false;
  } catch {
    return true;
  }
}
