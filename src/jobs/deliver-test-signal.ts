import type { SignalData } from "../core/signal.ts";
import type { DestinationConfig } from "../destinations/config.ts";
import type { RenderContext } from "../destinations/interface.ts";
import { destinationOf } from "../destinations/registry.ts";
import { type Attempt, attempt, type Post } from "./deliver-attempt.ts";

const MINUTE_MS = 60_000;

/** Sends what looks like a signal and says that it is a test. It is not stored, and tried once. */
export function sendTestSignal(
  config: DestinationConfig,
  context: RenderContext,
  post: Post,
  signal: AbortSignal,
): Promise<Attempt> {
  const { nowMs } = context;
  const body = destinationOf(config).render(testSignal(nowMs), { ...context, isTest: true });
  return attempt(config, { deliveryId: `dlv_test_${nowMs.toString(36)}`, body, nowMs, isTest: true }, post, signal);
}

function testSignal(nowMs: number): SignalData {
  const lastEventAt = new Date(nowMs - 2 * MINUTE_MS).toISOString();
  return {
    signal_id: `sig_test_${nowMs.toString(36)}`,
    created_at: new Date(nowMs).toISOString(),
    person: {
      person_id: "per_test",
      email: "test@example.com",
      identities: [{ kind: "email", value: "test@example.com", verified: false }],
      traits: { name: "Test Person", company: "Example" },
    },
    account: { domain: "example.com" },
    threshold: { name: "hot", score: 60 },
    score_before: 52,
    score: 64,
    groups: [{ group: "high_intent", raw: 24, max: 25, points: 24 }],
    reasons: [{ rule: "pricing_page", group: "high_intent", points: 24, count: 3, last_event_at: lastEventAt }],
    attribution: null,
    config_hash: "test",
  };
}
