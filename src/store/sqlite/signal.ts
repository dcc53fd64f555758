import type { Database } from "bun:sqlite";
import type { Profile, Signal, SignalData } from "../../core/signal.ts";
import { PEOPLE_SQL, SHOWN_IDENTITIES_MAX } from "./people.ts";
import { type IdentityRow, identityOf } from "./row.ts";

export type SignalWriter = {
  profileOf(personId: number): Profile;
  insertSignals(signals: readonly { signal: Signal; data: SignalData }[]): void;
};

export function createSignalWriter(database: Database): SignalWriter {
  const selectPerson = database.query<{ traits: string; verified_traits: string; domain: string | null }, [number]>(
    `select p.traits, p.verified_traits, a.domain
     from person p left join account a on a.account_id = p.account_id where p.person_id = +?`,
  );
  const selectIdentities = database.query<IdentityRow, [number, number]>(PEOPLE_SQL.liveIdentities);
  const insert = database.query(
    "insert into signal (signal_id, person_id, threshold, epoch, created_at, data, account_id) values (?, ?, ?, ?, ?, ?, ?)",
  );
  return {
    profileOf: (personId) => {
      const person = selectPerson.get(personId);
      if (person === null) throw new Error("a signal is about a person that is not stored");
      return {
        identities: (selectIdentities.values(personId, SHOWN_IDENTITIES_MAX) as IdentityRow[])
          .map(identityOf)
          .map(({ kind, value, isVerified }) => ({ kind, value, verified: isVerified })),
        traits: { ...JSON.parse(person.traits), ...JSON.parse(person.verified_traits) },
        account: person.domain === null ? null : { domain: person.domain },
      };
    },
    insertSignals: (signals) => {
      for (const { signal, data } of signals) {
        const { signalId, personId, account, threshold, epoch, createdMs } = signal;
        insert.run(
          signalId,
          personId,
          threshold.name,
          epoch,
          createdMs,
          JSON.stringify(data),
          account?.accountId ?? null,
        );
      }
    },
  };
}
