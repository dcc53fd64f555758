import { isIP } from "node:net";
import { deadlineAfter } from "./deadline.ts";
import type { Answer, OutgoingRequest } from "./interface.ts";
import { addressesOf, type Resolver } from "./resolve.ts";

const TIMEOUT_MS = 15_000;
/** Enough for every vendor's error; the rest of an answer is nobody's business, and may have no end. */
const ANSWER_MAX_BYTES = 4_096;
const USER_AGENT = "do-intent";
/** Nothing was sent yet, so the next address of the same name may be tried. */
const UNCONNECTED_CODES = ["ConnectionRefused", "FailedToOpenSocket", "ConnectionTimeout"];

export type SendOptions = {
  isPrivateAllowed(host: string): boolean;
  timeoutMs?: number;
  resolve?: Resolver;
  signal?: AbortSignal;
};

/** Sends and never throws: whatever goes wrong is an answer without a status. Redirects are not followed. */
export async function send(outgoing: OutgoingRequest, options: SendOptions): Promise<Answer> {
  const stop = deadlineAfter(options.timeoutMs ?? TIMEOUT_MS, options.signal);
  try {
    return await sendToAny(outgoing, options, stop);
  } catch (error) {
    const cause = stop.aborted ? stop.reason : error;
    return { status: null, body: reasonOf(cause), retryAfter: null };
  }
}

/** Tries the addresses of the host one after the other, until somebody takes the connection. */
async function sendToAny(
  outgoing: OutgoingRequest,
  { isPrivateAllowed, resolve }: SendOptions,
  stop: AbortSignal,
): Promise<Answer> {
  const url = new URL(outgoing.url);
  if (url.protocol !== "http:" && url.protocol !== "https:") throw new Error("only http and https are sent to");
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const looked = addressesOf(host, { isPrivateAllowed: isPrivateAllowed(host), resolve });
  const addresses = isIP(host) === 0 ? await unlessStopped(looked, stop) : await looked;
  for (const [index, address] of addresses.entries()) {
    try {
      const response = await open(url, host, address, outgoing, stop);
      return await readAnswer(response, outgoing.answerMaxBytes ?? ANSWER_MAX_BYTES);
    } catch (error) {
      if (index === addresses.length - 1 || !isUnconnected(error)) throw error;
    }
  }
  throw new Error("there is no address to connect to");
}

/** Connects to the address that was checked; the name goes into the Host header, and into TLS, which holds it to the certificate. */
function open(
  url: URL,
  host: string,
  address: string,
  { method, headers, body }: OutgoingRequest,
  stop: AbortSignal,
): Promise<Response> {
  const port = url.port === "" ? "" : `:${url.port}`;
  const pinned = `${url.protocol}//${isIP(address) === 6 ? `[${address}]` : address}${port}`;
  return fetch(`${pinned}${url.pathname}${url.search}`, {
    method,
    headers: { "user-agent": USER_AGENT, "accept-encoding": "identity", ...headers, host: url.host },
    body,
    redirect: "manual",
    decompress: false,
    signal: stop,
    ...(isIP(host) === 0 ? { tls: { serverName: host } } : {}),
  });
}

/** Collects the answer up to its bound and then drops the connection; what breaks off after the status has a status. */
async function readAnswer(response: Response, bytesMax: number): Promise<Answer> {
  const { status, headers } = response;
  const answer: Answer = { status, body: "", retryAfter: headers.get("retry-after") };
  // Most say beforehand that it is short, and reading that at once costs a fraction of reading it piece by piece.
  if (isWithin(bytesMax, headers)) {
    answer.body = await response.text().catch(() => "");
    return answer;
  }
  const reader = response.body?.getReader();
  if (reader === undefined) return answer;
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    while (bytes < bytesMax) {
      const { value, done } = await reader.read();
      if (done) break;
      chunks.push(value);
      bytes += value.length;
    }
  } catch {
    // The status says what became of the request.
  }
  answer.body = Buffer.concat(chunks).subarray(0, bytesMax).toString();
  if (bytes >= bytesMax) await reader.cancel().catch(() => undefined);
  return answer;
}

/** Where it comes in pieces, its length counts for nothing. */
function isWithin(bytesMax: number, headers: Headers): boolean {
  const length = headers.get("content-length") ?? "";
  return /^\d+$/.test(length) && Number(length) <= bytesMax && !headers.has("transfer-encoding");
}

function isUnconnected(error: unknown): boolean {
  return error instanceof Error && "code" in error && UNCONNECTED_CODES.includes(String(error.code));
}

/** Resolving a name takes no signal. */
function unlessStopped<Result>(work: Promise<Result>, stop: AbortSignal): Promise<Result> {
  return new Promise((resolve, reject) => {
    const end = (): void => reject(stop.reason);
    if (stop.aborted) end();
    stop.addEventListener("abort", end, { once: true });
    const forget = (): void => stop.removeEventListener("abort", end);
    work.then(resolve, reject).finally(forget);
  });
}

/** The first sentence; the rest repeats the address, and with it what may be a secret. */
function reasonOf(cause: unknown): string {
  return cause instanceof Error ? (cause.message.split(/ fetching |\. /)[0] ?? "") : "it failed";
}
