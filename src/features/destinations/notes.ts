import { AppError } from "../../core/error.ts";
import type { Engine } from "../../engine/engine.ts";
import type { Keys } from "../../http/keys.ts";
import type { AuditEntry, AuditStore } from "../../store/sqlite/audit.ts";
import type { DeliveryStore } from "../../store/sqlite/delivery.ts";

export type NotesDeps = {
  keys: Keys;
  engine: Pick<Engine, "administer">;
  audit: Pick<AuditStore, "record">;
  now: () => number;
  deliveries: DeliveryStore;
  destinations: () => readonly { name: string; type: string }[];
};

/** What the audit is told of destinations, by whoever changes something about them. */
export function createNotes({ keys, engine, audit, now, deliveries, destinations }: NotesDeps) {
  /** For the transaction of what is done. */
  const note = ({ headers }: Request, { action, subject, detail }: Omit<AuditEntry, "occurredMs" | "keyId">): void =>
    audit.record({ occurredMs: now(), keyId: keys.require(headers, "admin").keyId, action, subject, detail });

  /** A destination that left the config can still be paused and replayed, as long as something waits for it. */
  const known = (name: string): string => {
    const isKnown = destinations().some((config) => config.name === name);
    if (isKnown || deliveries.counts().some(({ destination }) => destination === name)) return name;
    throw new AppError("not_found", "no destination in intent.json has this name; GET /destinations lists them");
  };

  return {
    note,
    /** What is done in steps, or on the network, has no transaction of its own: it is noted before. */
    noted: async (name: string, request: Request, action: string): Promise<string> => {
      const detail = { destination: known(name) };
      await engine.administer(() => note(request, { action, subject: null, detail }));
      return name;
    },
  };
}
