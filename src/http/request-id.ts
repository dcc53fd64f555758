export const REQUEST_ID_HEADER = "x-request-id";

/** What logs and answers can carry whatever it is: UUIDs and the like, and neither addresses nor line ends. */
const PATTERN = /^[\w-]{8,64}$/;

/** Told by their headers, which go along wherever the request goes. */
const known = new WeakMap<Headers, string>();

/**
 * Takes a request's id over from a proxy, so that both logs name it alike. Only of one that is believed: a stranger who
 * chooses ids can give the same to everything, or somebody's phone number.
 */
export function keepRequestId(headers: Headers): void {
  const given = headers.get(REQUEST_ID_HEADER);
  if (given !== null && PATTERN.test(given)) known.set(headers, given);
}

/** How the log and the answer call a request, so that each is found by the other. Made when it is asked for first. */
export function requestIdOf(headers: Headers): string {
  const before = known.get(headers);
  if (before !== undefined) return before;
  const made = Bun.randomUUIDv7();
  known.set(headers, made);
  return made;
}

/** The same as fields of a line; none where no request is known. */
export function requestFields(requestId: string | null): { request_id?: string } {
  return requestId === null ? {} : { request_id: requestId };
}

/** The request that something long answers: its signal says that nobody waits for it any more. */
export type Asker = Pick<Request, "signal" | "headers">;
