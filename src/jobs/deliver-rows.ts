import type { Signal, SignalData } from "../core/signal.ts";
import type { DestinationConfig } from "../destinations/config.ts";
import type { RenderContext } from "../destinations/interface.ts";
import { renderDeliveries } from "../destinations/render.ts";
import { describeFault } from "../http/errors.ts";
import type { Log } from "../http/log.ts";
import type { NewDelivery } from "../store/sqlite/delivery.ts";

type Crossing = { signal: Pick<Signal, "signalId" | "personId">; data: SignalData };

/** What waits to be sent because of a signal, a row for each destination that wants to hear of it. */
export function deliveryRows(
  { signal: { signalId, personId }, data }: Crossing,
  destinations: readonly DestinationConfig[],
  context: RenderContext,
  log: Pick<Log, "error">,
): NewDelivery[] {
  return destinations.flatMap((destination) => {
    try {
      const rendered = renderDeliveries(data, [destination], context);
      return rendered.map((row) => ({ ...row, signalId, personId, createdMs: context.nowMs }));
    } catch (error) {
      // One destination's words must not cost anybody an event.
      log.error("render_fault", { destination: destination.name, fault: describeFault(error) });
      return [];
    }
  });
}
