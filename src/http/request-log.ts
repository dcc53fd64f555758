import type { Keys } from "./keys.ts";
import type { Log, LogFields } from "./log.ts";
import { requestIdOf } from "./request-id.ts";

/** A request as it was answered. The route is its pattern: an address itself may hold a person's. */
export type Answered = { request: Request; route: string; status: number; durationMs: number };

export type RequestLog = (answered: Answered) => void;

export type RequestLogOptions = {
  log: Pick<Log, "info">;
  keys: Pick<Keys, "find">;
  /** Whether what was written before is not taken: what nobody reads would fill the memory. */
  isBehind: () => boolean;
};

/** One line for each request; of who sent it, the id of the secret key alone. What had to be left out is counted. */
export function createRequestLog({ log, keys, isBehind }: RequestLogOptions): RequestLog {
  let left = 0;
  return ({ request: { method, headers }, route, status, durationMs }) => {
    if (isBehind()) {
      left += 1;
      return;
    }
    if (left > 0) log.info("requests_not_logged", { requests: left });
    left = 0;
    log.info("request", {
      request_id: requestIdOf(headers),
      method,
      route,
      status,
      duration_ms: Math.round(durationMs * 100) / 100,
      ...bytesOf(headers),
      ...keyOf(headers, keys),
    });
  };
}

/** Of the body, as far as the request says so. */
function bytesOf(headers: Headers): LogFields {
  const said = headers.get("content-length");
  return said !== null && /^\d{1,15}$/.test(said) ? { body_bytes: Number(said) } : {};
}

function keyOf(headers: Headers, keys: Pick<Keys, "find">): LogFields {
  if (!headers.has("authorization")) return {};
  try {
    const caller = keys.find(headers);
    return caller === null ? {} : { key_id: caller.keyId };
  } catch {
    // The keys cannot be read; whoever needed one was told so.
    return {};
  }
}
