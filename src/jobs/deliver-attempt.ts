import { keepable } from "../destinations/answer.ts";
import type { DestinationConfig } from "../destinations/config.ts";
import {
  type Answer,
  NotSendable,
  type OutgoingRequest,
  type Parcel,
  type RemoteDestination,
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

/** Tries once, and never throws: a fault of ours while preparing is tried again like one of theirs. */
export async function attempt(
  config: DestinationConfig,
  parcel: Parcel,
  post: Post,
  signal: AbortSignal,
): Promise<Attempt> {
  const secrets: string[] = [];
  try {
    const destination = destinationOf(config);
    const exchange =
      "write" in destination
        ? () => Promise.reject(new Error("a local destination has nobody to ask"))
        : (request: OutgoingRequest) =>
            post.send(request, { isPrivateAllowed: isPrivateAllowed(destination, request), signal });
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
      return { verdict: { outcome: "delivered" }, status: null, answer: "" };
    }
    const request = await destination.request(parcel, tools);
    const answer = await exchange(request);
    const sent = [request.url, request.body, ...Object.values(request.headers), ...secrets];
    return {
      verdict: destination.judge(answer, parcel.nowMs),
      status: answer.status,
      answer: keepable(answer.body, sent),
    };
  } catch (error) {
    return failedAttempt(error, [parcel.body, ...secrets]);
  }
}

function failedAttempt(error: unknown, sent: readonly string[]): Attempt {
  const reason = error instanceof Error ? error.message : "could not be prepared";
  const status = error instanceof NotSendable ? error.answer.status : null;
  return { verdict: { outcome: "retry" }, status, answer: keepable(reason, sent) };
}

function isPrivateAllowed(destination: RemoteDestination, { url }: OutgoingRequest): boolean {
  return destination.isPrivateAllowed(new URL(url).hostname.replace(/^\[|\]$/g, ""));
}
