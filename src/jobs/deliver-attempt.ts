import { keepable } from "../destinations/answer.ts";
import type { DestinationConfig } from "../destinations/config.ts";
import {
  type Answer,
  type BatchVerdict,
  NotSendable,
  type OutgoingRequest,
  type Parcel,
  type Tools,
  type Verdict,
} from "../destinations/interface.ts";
import { destinationOf } from "../destinations/registry.ts";
import { readSecret } from "../destinations/secret.ts";
import { type SendOptions, send } from "../destinations/send.ts";

export type Post = {
  send(request: OutgoingRequest, options: SendOptions): Promise<Answer>;
  environment: { readonly [name: string]: string | undefined };
  print(line: string): void;
};

export const realPost: Post = {
  send,
  environment: process.env,
  print: (line) => void process.stdout.write(`${line}\n`),
};

export type Attempt = { verdict: Verdict; status: number | null; answer: string };

/** In the order of the parcels; or that only smaller requests can tell what is wrong with which of them. */
export type Attempts = readonly Attempt[] | "unclear";

/** Tries one once, and never throws: a fault of ours while preparing is tried again like one of theirs. */
export async function attempt(
  config: DestinationConfig,
  parcel: Parcel,
  post: Post,
  signal: AbortSignal,
): Promise<Attempt> {
  const attempts = await attemptAll(config, [parcel], post, signal);
  const [only] = attempts === "unclear" ? [] : attempts;
  if (only === undefined) throw new Error("one parcel has one outcome");
  return only;
}

/** The same for several, which go in one request where the destination takes that; otherwise there must be one only. */
export async function attemptAll(
  config: DestinationConfig,
  parcels: readonly Parcel[],
  post: Post,
  signal: AbortSignal,
): Promise<Attempts> {
  const [parcel] = parcels;
  if (parcel === undefined) return [];
  const bodies = parcels.map(({ body }) => body);
  const secrets: string[] = [];
  try {
    const destination = destinationOf(config);
    const exchange =
      "write" in destination
        ? () => Promise.reject(new Error("a local destination has nobody to ask"))
        : (request: OutgoingRequest) => post.send(request, { isPrivateAllowed: destination.isPrivateAllowed, signal });
    const tools: Tools = {
      secret: async (reference) => {
        const value = await readSecret(reference, post.environment);
        secrets.push(value);
        return value;
      },
      exchange,
      print: post.print,
    };
    if ("write" in destination) {
      await destination.write(parcel, tools);
      return [{ verdict: { outcome: "delivered" }, status: null, answer: "" }];
    }
    const { batch } = destination;
    const isOne = batch === undefined || parcels.length === 1;
    const request = await destination.request(isOne ? parcel : { ...parcel, body: batch.gather(bodies) }, tools);
    const answer = await exchange(request);
    const { nowMs } = parcel;
    const verdict = isOne ? destination.judge(answer, nowMs) : batch.judge(answer, bodies, nowMs);
    return concluded(verdict, answer, bodies, [request.url, ...Object.values(request.headers), ...secrets]);
  } catch (error) {
    const failed = failedAttempt(error, [...bodies, ...secrets]);
    return parcels.map(() => failed);
  }
}

/** Each keeps what was said of it, without what was sent of it. */
function concluded(
  verdict: BatchVerdict,
  { status, body }: Answer,
  bodies: readonly string[],
  sent: readonly string[],
): Attempts {
  if (verdict.outcome === "unclear") return "unclear";
  if (verdict.outcome === "each") {
    return verdict.records.map(({ verdict: own, said }, index) => ({
      verdict: own,
      status,
      answer: keepable(said, [bodies[index] ?? "", ...sent]),
    }));
  }
  const answer = keepable(body, [...bodies, ...sent]);
  return bodies.map(() => ({ verdict, status, answer }));
}

function failedAttempt(error: unknown, sent: readonly string[]): Attempt {
  const reason = error instanceof Error ? error.message : "could not be prepared";
  const status = error instanceof NotSendable ? error.answer.status : null;
  return { verdict: { outcome: "retry" }, status, answer: keepable(reason, sent) };
}
