import type { Database } from "bun:sqlite";
import type { Profile, Signal, SignalData } from "../../core/signal.ts";

export type SignalWriter = {
  profileOf(personId: number): Profile;
  insertSignals(signals: readonly { signal: Signal; data: SignalData }[]): void;
};

export function createSignalWriter(database: Database): SignalWriter {
  const selectPerson = database.query<{ traits: string; verified_traits: string; domain: string | null }, [number]>(
    `select p.traits, p.verified_traits, a.domain
     from person p left join account a on a.account_id = p.account_id where p.person_id = ?`,
  );
  const selectIdentities = database.query<{ kind: string; value: string; is_verified: number }, [number]>(
    `select kind, value, is_verified from identity
     where person_id = ? and retired_at is null order by identity_id limit ${PROFILE_IDENTITIES_MAX}`,
  );
  const insert = database.query(
    "insert into signal (signal_id, person_id, threshold, epoch, created_at, data, account_id) values (?, ?, ?, ?, ?, ?, ?)",
  );
  return {
    profileOf: (personId) => {
      const person = selectPerson.get(personId);
      if (person === null) throw new Error("a signal is about a person that is not stored");
      return {
        identities: selectIdentities
          .all(personId)
          .map(({ kind, value, is_verified }) => ({ kind, value, verified: is_verified === 1 })),
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

/** Identifiers that an answer or a signal lists; a browser that loses its cookie daily would fill pages. */
const PROFILE_IDENTITIES_MAX = 50;
