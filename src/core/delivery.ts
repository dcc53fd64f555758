import { formatId } from "./id.ts";
import type { SignalData } from "./signal.ts";

export const DELIVERY_STATES = ["pending", "delivered", "dead"] as const;

export type DeliveryState = (typeof DELIVERY_STATES)[number];

/** A signal on its way to one destination. */
export type Delivery = {
  deliveryId: number;
  signalId: number;
  personId: number;
  destination: string;
  state: DeliveryState;
  attempts: number;
  nextAttemptMs: number | null;
  lastAttemptMs: number | null;
  lastStatus: number | null;
  lastAnswer: string | null;
  createdMs: number;
};

/** The wire form: where a signal went, when, and what answered. */
export type DeliveryData = {
  delivery_id: string;
  destination: string;
  state: DeliveryState;
  attempts: number;
  created_at: string;
  last_attempt_at: string | null;
  next_attempt_at: string | null;
  status: number | null;
  answer: string | null;
};

/** A signal with where it went. */
export type SentSignal = SignalData & { deliveries: DeliveryData[] };

export function sentSignals(
  signals: readonly { signalId: number; data: SignalData }[],
  deliveries: ReadonlyMap<number, readonly Delivery[]>,
): SentSignal[] {
  return signals.map(({ signalId, data }) => ({
    ...data,
    deliveries: (deliveries.get(signalId) ?? []).map(deliveryData),
  }));
}

export function deliveryData(delivery: Delivery): DeliveryData {
  return {
    delivery_id: formatId("delivery", delivery.deliveryId),
    destination: delivery.destination,
    state: delivery.state,
    attempts: delivery.attempts,
    created_at: new Date(delivery.createdMs).toISOString(),
    last_attempt_at: timeOf(delivery.lastAttemptMs),
    next_attempt_at: timeOf(delivery.nextAttemptMs),
    status: delivery.lastStatus,
    answer: delivery.lastAnswer,
  };
}

function timeOf(timeMs: number | null): string | null {
  return timeMs === null ? null : new Date(timeMs).toISOString();
}
