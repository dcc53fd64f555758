import { lookup as resolveName } from "node:dns";
import http, { type ClientRequest, type IncomingMessage } from "node:http";
import https from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { isPublicAddress } from "./address.ts";
import type { Answer, OutgoingRequest } from "./interface.ts";

const TIMEOUT_MS = 15_000;
/** Enough for every vendor's error; the rest of an answer is nobody's business, and may have no end. */
const ANSWER_MAX_BYTES = 4_096;
const IDLE_SOCKETS_MAX = 4;
const USER_AGENT = "do-intent";

export type SendOptions = { isPrivateAllowed: boolean; timeoutMs?: number; resolve?: Resolver; signal?: AbortSignal };
type Resolver = (host: string) => Promise<{ address: string; family: number }[]>;

/** Sockets are kept apart by what they may reach, so that no guarded request goes over an unguarded one. */
const agents = {
  "http:": { guarded: agentOf(http.Agent), open: agentOf(http.Agent) },
  "https:": { guarded: agentOf(https.Agent), open: agentOf(https.Agent) },
};

function agentOf<Agent>(AgentClass: new (options: http.AgentOptions) => Agent): Agent {
  return new AgentClass({ keepAlive: true, maxFreeSockets: IDLE_SOCKETS_MAX, timeout: TIMEOUT_MS });
}

/** Sends and never throws: whatever goes wrong is an answer without a status. Redirects are not followed. */
export function send(outgoing: OutgoingRequest, options: SendOptions): Promise<Answer> {
  const url = new URL(outgoing.url);
  const host = url.hostname.replace(/^\[|\]$/g, "");
  if (url.protocol !== "http:" && url.protocol !== "https:") return failed("only http and https are sent to");
  if (isIP(host) !== 0 && !options.isPrivateAllowed && !isPublicAddress(host)) return failed(refusal(host));
  return new Promise((resolve) => {
    const request = open(url, outgoing, options);
    let answered: Answer | null = null;
    const settle = (answer: Answer): void => {
      clearTimeout(timer);
      resolve(answered ?? answer);
    };
    const timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
    const timer = setTimeout(() => {
      settle({ status: null, body: `no answer within ${timeoutMs} ms`, retryAfter: null });
      request.destroy();
    }, timeoutMs);
    request.on("error", (error) => settle({ status: null, body: reasonOf(error), retryAfter: null }));
    request.on("close", () => settle({ status: null, body: "connection closed without an answer", retryAfter: null }));
    request.on("response", (response) => {
      answered = { status: response.statusCode ?? null, body: "", retryAfter: retryAfterOf(response) };
      readAnswer(request, response, answered, settle);
    });
    request.end(outgoing.body);
  });
}

function open(url: URL, { method, headers, body }: OutgoingRequest, options: SendOptions): ClientRequest {
  const module = url.protocol === "https:" ? https : http;
  const pool = agents[url.protocol === "https:" ? "https:" : "http:"];
  return module.request(url, {
    method,
    agent: options.isPrivateAllowed ? pool.open : pool.guarded,
    headers: { "user-agent": USER_AGENT, ...headers, "content-length": Buffer.byteLength(body) },
    lookup: guardedLookup(options),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
}

/** Collects the answer up to its bound, and then drops the connection instead of reading what nobody needs. */
function readAnswer(
  request: ClientRequest,
  response: IncomingMessage,
  answer: Answer,
  settle: (answer: Answer) => void,
): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const finish = (): void => settle(answer);
  response.on("data", (chunk: Buffer) => {
    if (bytes >= ANSWER_MAX_BYTES) return;
    chunks.push(chunk);
    bytes += chunk.length;
    answer.body = Buffer.concat(chunks).subarray(0, ANSWER_MAX_BYTES).toString();
    if (bytes < ANSWER_MAX_BYTES) return;
    finish();
    request.destroy();
  });
  response.on("end", finish);
  response.on("error", finish);
  response.on("close", finish);
}

/** Checks the very addresses the socket then connects to: a name that changes its mind in between changes nothing. */
function guardedLookup({ isPrivateAllowed, resolve = resolveAll }: SendOptions): LookupFunction {
  return (host, lookupOptions, callback) => {
    resolve(host).then(
      (found) => {
        const addresses = isPrivateAllowed ? found : found.filter(({ address }) => isPublicAddress(address));
        const [first] = addresses;
        if (first === undefined) callback(new Error(refusal(host)), "");
        else if (lookupOptions.all) callback(null, addresses);
        else callback(null, first.address, first.family);
      },
      () => callback(new Error(`the name ${host} could not be resolved`), ""),
    );
  };
}

const resolveAll: Resolver = (host) =>
  new Promise((resolve, reject) => {
    resolveName(host, { all: true }, (error, addresses) => (error === null ? resolve(addresses) : reject(error)));
  });

const refusal = (host: string): string => `${host} is not a public address; see allow_private`;

function failed(body: string): Promise<Answer> {
  return Promise.resolve({ status: null, body, retryAfter: null });
}

function reasonOf(error: Error & { code?: string }): string {
  return error.message || error.code || "connection failed";
}

function retryAfterOf({ headers }: IncomingMessage): string | null {
  return headers["retry-after"] ?? null;
}
