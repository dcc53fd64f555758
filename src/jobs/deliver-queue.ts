import type { Batch } from "../destinations/interface.ts";
import type { DeliveryStore, DueDelivery } from "../store/sqlite/delivery.ts";

/** Read at once; the index is asked again only when these are used up. */
const READ_AHEAD_MAX = 256;

export type QueueStore = Pick<DeliveryStore, "due" | "toSend" | "nextDueMs">;

export type Queue = {
  /** Begins a round: what is due now is read at most once in it. */
  begin(): void;
  /** What goes next, several where they may go together; none when nothing is due. */
  take(nowMs: number, batch: Batch | undefined): DueDelivery[];
  /** They are under way no longer: what has the same key may go. */
  answered(deliveries: readonly DueDelivery[]): void;
  /** Nothing that was read waits, neither for a place nor for what has the same key. */
  isEmpty(): boolean;
  /** Sends those again in two smaller requests, before all others. */
  halve(deliveries: readonly DueDelivery[]): void;
  /** When the next one that is not due yet will be; null when none waits. */
  nextDueMs(nowMs: number): number | null;
  release(deliveryId: number): void;
  rewind(): void;
  /** Forgets what was read and not taken. */
  drop(): void;
};

/** What waits for one destination, read from the store in the order in which it is due. */
export function createQueue(name: string, store: QueueStore): Queue {
  /** Read, under way or not yet marked: pending in the store, and yet not to be sent again. */
  const held = new Set<number>();
  /** The keys of what is under way or comes again in halves: two requests at once would overtake each other. */
  const keysTaken = new Set<string>();
  const keyOfTaken = new Map<number, string>();
  let queue: number[] = [];
  let halves: number[][] = [];
  /** All that was due by then has been read; what is new is due later. */
  let readToMs = Number.NEGATIVE_INFINITY;
  /** The same within one round. */
  let isReadThrough = false;
  /** When what has waited longest for a later time is due, or that nothing does; undefined when that is not known. */
  let laterMs: number | null | undefined;

  const rewind = (): void => {
    readToMs = Number.NEGATIVE_INFINITY;
    laterMs = undefined;
  };

  const refill = (nowMs: number): void => {
    if (nowMs < readToMs) rewind();
    const limit = held.size + READ_AHEAD_MAX;
    const found = store.due(name, nowMs, limit, readToMs);
    isReadThrough = found.length < limit;
    if (isReadThrough) readToMs = nowMs;
    queue = found.filter((deliveryId) => !held.has(deliveryId));
    for (const deliveryId of queue) held.add(deliveryId);
  };

  const freeKey = (deliveryId: number): void => {
    const key = keyOfTaken.get(deliveryId);
    if (key !== undefined) keysTaken.delete(key);
    keyOfTaken.delete(deliveryId);
  };

  /** Null for one that was erased meanwhile. */
  const read = (deliveryId: number): DueDelivery | null => {
    const delivery = store.toSend(deliveryId);
    if (delivery !== null) return delivery;
    held.delete(deliveryId);
    freeKey(deliveryId);
    return null;
  };

  const next = (nowMs: number): DueDelivery | null => {
    if (queue.length === 0 && !isReadThrough) refill(nowMs);
    for (let deliveryId = queue.shift(); deliveryId !== undefined; deliveryId = queue.shift()) {
      const delivery = read(deliveryId);
      if (delivery !== null) return delivery;
    }
    return null;
  };

  const takeHalf = (): DueDelivery[] => {
    for (let half = halves.shift(); half !== undefined; half = halves.shift()) {
      const deliveries = half.flatMap((deliveryId) => read(deliveryId) ?? []);
      if (deliveries.length > 0) return deliveries;
    }
    return [];
  };

  /** As many as may go together, from the front of the queue; what may not keeps its place. */
  const gather = (nowMs: number, { recordsMax, keyOf }: Batch): DueDelivery[] => {
    const together: DueDelivery[] = [];
    const passedOver: number[] = [];
    let alone: DueDelivery | null = null;
    while (alone === null && together.length + passedOver.length < recordsMax) {
      const delivery = next(nowMs);
      if (delivery === null) break;
      const key = keyOf(delivery.body);
      if (key === null && together.length === 0) alone = delivery;
      else if (key === null || keysTaken.has(key)) passedOver.push(delivery.deliveryId);
      else {
        together.push(delivery);
        keysTaken.add(key);
        keyOfTaken.set(delivery.deliveryId, key);
      }
    }
    queue.unshift(...passedOver);
    return alone === null ? together : [alone];
  };

  return {
    begin: () => {
      isReadThrough = false;
    },
    take: (nowMs, batch) => {
      const half = takeHalf();
      if (half.length > 0) return half;
      if (batch !== undefined) return gather(nowMs, batch);
      const delivery = next(nowMs);
      return delivery === null ? [] : [delivery];
    },
    answered: (deliveries) => {
      for (const { deliveryId } of deliveries) freeKey(deliveryId);
    },
    isEmpty: () => queue.length === 0 && halves.length === 0,
    halve: (deliveries) => {
      const deliveryIds = deliveries.map(({ deliveryId }) => deliveryId);
      const middle = deliveryIds.length >> 1;
      halves.push(deliveryIds.slice(0, middle), deliveryIds.slice(middle));
    },
    nextDueMs: (nowMs) => {
      if (laterMs === undefined || (laterMs !== null && laterMs <= nowMs)) laterMs = store.nextDueMs(name, nowMs);
      return laterMs;
    },
    release: (deliveryId) => {
      held.delete(deliveryId);
    },
    rewind,
    drop: () => {
      for (const deliveryId of [...queue, ...halves.flat()]) {
        held.delete(deliveryId);
        freeKey(deliveryId);
      }
      queue = [];
      halves = [];
      rewind();
    },
  };
}
