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
};

export type OutgoingRequest = {
  url: string;
  method: "POST" | "PUT" | "PATCH";
  headers: { [name: string]: string };
  body: string;
};

/** What came back; `status` is null when nothing did, and `body` says why. */
export type Answer = {
  status: number | null;
  /** At most some kilobytes of it. */
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
