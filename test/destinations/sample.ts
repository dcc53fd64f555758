import type { SignalData } from "../../src/core/signal.ts";
import type { DestinationConfig } from "../../src/destinations/config.ts";
import { destinationSchema } from "../../src/destinations/config.ts";

/** 2026-03-01T12:00:00Z */
export const NOON_MS = 1_772_366_400_000;

export const SECRET = `whsec_${Buffer.from("a secret of thirty-two bytes ok!").toString("base64")}`;

export function sampleSignal(changes: Partial<SignalData> = {}): SignalData {
  return {
    signal_id: "sig_2n9c",
    created_at: "2026-03-01T12:00:00.000Z",
    person: {
      person_id: "per_1x",
      email: "ada@acme.com",
      identities: [{ kind: "email", value: "ada@acme.com", verified: false }],
      traits: { name: "Ada Lovelace", company: "Acme" },
    },
    account: { domain: "acme.com" },
    threshold: { name: "hot", score: 60 },
    score_before: 52,
    score: 63.04,
    groups: [{ group: "high_intent", raw: 24, max: 25, points: 24 }],
    reasons: [
      { rule: "pricing_page", group: "high_intent", points: 24, count: 3, last_event_at: "2026-03-01T11:58:00.000Z" },
      { rule: "return_visit", group: "frequency", points: 12.25, count: 2, last_event_at: "2026-03-01T09:00:00.000Z" },
      { rule: "docs", group: "engagement", points: 6, count: 4, last_event_at: "2026-02-20T12:00:00.000Z" },
      { rule: "blog", group: "engagement", points: 1, count: 1, last_event_at: "2026-02-20T12:00:00.000Z" },
    ],
    attribution: {
      first: {
        at: "2026-02-28T12:00:00.000Z",
        channel: "search",
        source: "google",
        medium: "cpc",
        campaign: "spring",
        landing: "/pricing",
      },
      last: { at: "2026-03-01T12:00:00.000Z", channel: "referral", referrer: "news.example" },
      last_non_direct: { at: "2026-03-01T12:00:00.000Z", channel: "referral", referrer: "news.example" },
    },
    config_hash: "c0ffee",
    ...changes,
  };
}

/** As it stands in intent.json: parsed, with its defaults. */
export const destination = (config: object): DestinationConfig => destinationSchema.parse(config);
