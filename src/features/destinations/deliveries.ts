import { z } from "zod";
import { type Delivery, type DeliveryData, deliveryData } from "../../core/delivery.ts";
import { AppError } from "../../core/error.ts";
import { formatId, parseId } from "../../core/id.ts";
import { decodeCursor, encodeCursor } from "../../http/query.ts";
import type { DeliveryStore } from "../../store/sqlite/delivery.ts";
import type { DeliveriesQuery } from "./schema.ts";

type DeliveryAnswer = DeliveryData & { signal_id: string; person_id: string };

export type DeliveriesAnswer = { deliveries: DeliveryAnswer[]; next_cursor: string | null };

const positionSchema = z.tuple([z.int().min(0)]);

/** Deliveries of all destinations, the newest first. */
export function listDeliveries(
  { state, limit, cursor }: DeliveriesQuery,
  deliveries: Pick<DeliveryStore, "page">,
): DeliveriesAnswer {
  const [belowId] = decodeCursor(positionSchema, cursor) ?? [Number.MAX_SAFE_INTEGER];
  const page = deliveries.page(state ?? null, belowId, limit);
  return {
    deliveries: page.deliveries.map(answerOf),
    next_cursor: page.nextBelowId === null ? null : encodeCursor([page.nextBelowId]),
  };
}

/** Sends a delivery again, as it was rendered then and under the id it had. */
export function replayDelivery(
  said: string,
  deliveries: Pick<DeliveryStore, "byId" | "replay">,
  nowMs: number,
): DeliveryAnswer {
  const deliveryId = parseId("delivery", said);
  const delivery = deliveryId === null ? null : deliveries.byId(deliveryId);
  if (delivery === null)
    throw new AppError("not_found", "there is no delivery with this id; GET /deliveries lists them");
  if (!deliveries.replay(delivery, nowMs)) {
    throw new AppError("conflict", "this delivery is pending: it is sent as soon as its turn comes");
  }
  return answerOf(deliveries.byId(delivery.deliveryId) ?? delivery);
}

function answerOf(delivery: Delivery): DeliveryAnswer {
  return {
    ...deliveryData(delivery),
    signal_id: formatId("signal", delivery.signalId),
    person_id: formatId("person", delivery.personId),
  };
}
