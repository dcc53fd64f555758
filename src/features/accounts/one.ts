import type { Rules } from "../../core/compile.ts";
import { type SentSignal, sentSignals } from "../../core/delivery.ts";
import type { AccountReader } from "../../store/sqlite/accounts.ts";
import type { DeliveryStore } from "../../store/sqlite/delivery.ts";
import type { EventReader } from "../../store/sqlite/events.ts";
import type { PeopleReader } from "../../store/sqlite/people.ts";
import type { SignalReader } from "../../store/sqlite/signals-read.ts";
import { type FullAccountAnswer, readAccount, requireAccount } from "./account.ts";

const SIGNALS_MAX = 20;

export type OneAccountAnswer = FullAccountAnswer & { signals: SentSignal[] };

type OneAccountSources = {
  accounts: AccountReader;
  people: PeopleReader;
  events: EventReader;
  signals: SignalReader;
  deliveries: Pick<DeliveryStore, "bySignals">;
};

/** The account of a domain, and the last that was told of it. */
export function readOneAccount(
  said: string | null,
  sources: OneAccountSources,
  rules: Rules,
  askedMs: number | null,
  nowMs: number,
): OneAccountAnswer {
  const { accounts, signals, deliveries } = sources;
  const account = requireAccount(said, accounts);
  const told = signals.newestOfAccount(account.accountId, SIGNALS_MAX);
  const sent = sentSignals(told, deliveries.bySignals(told.map(({ signalId }) => signalId)));
  return { ...readAccount(account, sources, rules, askedMs, nowMs), signals: sent };
}
