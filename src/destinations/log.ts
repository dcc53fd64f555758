import { type SignalData, typeOf } from "../core/signal.ts";
import type { ConfigOf } from "./config.ts";
import type { LocalDestination, RenderContext } from "./interface.ts";

/** A line for those who only want to see that something happened; nobody's data unless it is asked for. */
export function log({ personal }: ConfigOf<"log">): LocalDestination {
  return {
    concurrencyMax: 1,
    render: (signal, context) => JSON.stringify(lineOf(signal, personal, context)),
    write: async ({ body }, { print }) => print(body),
  };
}

function lineOf(signal: SignalData, personal: boolean, { isTest }: RenderContext) {
  const { person, account } = signal;
  return {
    at: signal.created_at,
    level: "info",
    event: typeOf(signal),
    ...(isTest === true ? { test: true } : {}),
    signal_id: signal.signal_id,
    person_id: person.person_id,
    threshold: signal.threshold.name,
    score_before: signal.score_before,
    score: signal.score,
    rules: Object.fromEntries(signal.reasons.map(({ rule, points }) => [rule, points])),
    ...(personal ? { email: person.email ?? null, traits: person.traits, account: account?.domain ?? null } : {}),
  };
}
