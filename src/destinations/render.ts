import { type SignalData, typeOf } from "../core/signal.ts";
import type { DestinationConfig, Filter } from "./config.ts";
import type { RenderContext } from "./interface.ts";
import { destinationOf } from "./registry.ts";

/** What each destination that wants to hear of this signal will be sent. */
export function renderDeliveries(
  signal: SignalData,
  destinations: readonly DestinationConfig[],
  context: RenderContext,
): { destination: string; body: string }[] {
  return destinations.flatMap((config) => {
    const destination = destinationOf(config);
    const isWanted = passes(signal, config.filter ?? {}) && (destination.accepts?.(signal) ?? true);
    return isWanted ? [{ destination: config.name, body: destination.render(signal, context) }] : [];
  });
}

function passes(signal: SignalData, filter: Filter): boolean {
  if (filter.types !== undefined && !filter.types.includes(typeOf(signal))) return false;
  if (filter.thresholds !== undefined && !filter.thresholds.includes(signal.threshold.name)) return false;
  if (filter.accounts_only === true && signal.account === undefined) return false;
  if (filter.with_email_only === true && signal.person.email === undefined) return false;
  return Object.entries(filter.groups ?? {}).every(([group, least]) =>
    signal.groups.some((held) => held.group === group && held.points >= least),
  );
}
