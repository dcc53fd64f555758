import type { SignalData } from "../core/signal.ts";

export type RenderContext = {
  /** The address under which people read what is at this path; null where none is known. */
  linkTo: ((path: string) => string) | null;
  nowMs: number;
  isTest?: boolean;
};

/** One delivery at the time of sending. */
export type Parcel = {
  /** Stays the same whatever the number of attempts and replays. */
  deliveryId: string;
  body: string;
  nowMs: number;
  isTest?: boolean;
};

export type OutgoingRequest = {
  url: string;
  method: "POST" | "PUT" | "PATCH";
  headers: { [name: string]: string };
  body: string;
  /** How much of the answer is read, where that is more than anybody else's. */
  answerMaxBytes?: number;
};

/** What came back; `status` is null when nothing did, and `body` says why. */
export type Answer = {
  status: number | null;
  /** Up to a bound. */
  body: string;
  retryAfter: string | null;
};

/** `limited`: too early, and it says until when; that is not a failure. `refused`: this one never. `gone`: nobody is there any more. */
export type Verdict =
  | { outcome: "delivered" }
  | { outcome: "retry"; afterMs?: number }
  | { outcome: "limited"; afterMs: number }
  | { outcome: "refused" }
  | { outcome: "gone" };

/** What an answer says of several that went together. */
export type BatchVerdict =
  /** All of them alike. */
  | Verdict
  /** In their order; `said` is what the answer says of this one alone. */
  | { outcome: "each"; records: { verdict: Verdict; said: string }[] }
  /** Refused for what may be the fault of one of them: smaller requests tell whose. */
  | { outcome: "unclear" };

/** For receivers that take several in one request. Stored, judged and repeated is each by itself. */
export type Batch = {
  /** The most in one request. */
  recordsMax: number;
  /**
   * Two with the same key never go into one request: one would overtake the other, and vendors refuse it. Null is for
   * what can only go alone, such as a body that waits since this name was another kind of destination.
   */
  keyOf(body: string): string | null;
  /** One body of many. */
  gather(bodies: readonly string[]): string;
  /** Of two or more; one alone is judged as ever. */
  judge(answer: Answer, bodies: readonly string[], nowMs: number): BatchVerdict;
};

export type Tools = {
  /** The text behind a secret: itself, env:NAME or file:PATH. */
  secret(reference: string): Promise<string>;
  /** A request beside the delivery itself, such as for a token. */
  exchange(request: OutgoingRequest): Promise<Answer>;
  print(line: string): void;
};

type Common = {
  /** False when there is nothing to say to this destination about this signal. */
  accepts?(signal: SignalData): boolean;
  /** Pure; what it returns is stored in the transaction that crossed, and sent as often as it takes. */
  render(signal: SignalData, context: RenderContext): string;
  concurrencyMax: number;
};

export type RemoteDestination = Common & {
  /** The least time between two requests. */
  spacingMs: number;
  isPrivateAllowed(host: string): boolean;
  request(parcel: Parcel, tools: Tools): Promise<OutgoingRequest>;
  judge(answer: Answer, nowMs: number): Verdict;
  /** What waits goes together, where the receiver takes that. */
  batch?: Batch;
};

export type LocalDestination = Common & { write(parcel: Parcel, tools: Tools): Promise<void> };

export type Destination = RemoteDestination | LocalDestination;

/** Thrown by `request` when it cannot be made; the answer says why and is judged as if it were the destination's. */
export class NotSendable extends Error {
  readonly answer: Answer;

  constructor(answer: Answer) {
    super(answer.body);
    this.answer = answer;
  }
}
