import { type SignalData, typeOf } from "../core/signal.ts";
import type { Conditions, DestinationConfig } from "./config.ts";
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
    const { except, ...wanted } = config.filter ?? {};
    const isExcepted = except !== undefined && meets(signal, except);
    const isWanted = meets(signal, wanted) && !isExcepted && (destination.accepts?.(signal) ?? true);
    return isWanted ? [{ destination: config.name, body: destination.render(signal, context) }] : [];
  });
}

function meets(signal: SignalData, conditions: Conditions): boolean {
  if (conditions.types !== undefined && !conditions.types.includes(typeOf(signal))) return false;
  if (conditions.thresholds !== undefined && !conditions.thresholds.includes(signal.threshold.name)) return false;
  if (conditions.accounts_only === true && signal.account === undefined) return false;
  if (conditions.with_email_only === true && signal.person.email === undefined) return false;
  return Object.entries(conditions.groups ?? {}).every(([group, least]) =>
    signal.groups.some((held) => held.group === group && held.points >= least),
  );
}
