import type { Sent, SentEvent, SentIdentify } from "./traffic.ts";
import type { Victims } from "./victims.ts";

type Answer = {
  events?: { event_id?: string; status: string; signals?: { signal_id: string }[] }[];
  signals?: { signal_id: string }[];
  changed?: boolean;
};

/** What the clients know: all that was sent, and of what it was said that it is stored. */
export type Model = {
  events: Map<string, SentEvent>;
  identifies: Map<string, SentIdentify>;
  /** Event ids of which somebody was told that they are stored. */
  acknowledged: Set<string>;
  /** Marks of identifies of which somebody was told that they changed something. */
  acknowledgedMarks: Set<string>;
  /** Names of lists of which somebody was told that they are stored. */
  acknowledgedLists: Set<string>;
  victims: Victims;
  /** Signals that an answer spoke of. */
  announced: Set<string>;
  counts: { requests: number; unanswered: number; accepted: number; duplicate: number; identifies: number };
  /** What no client should ever see. */
  wrongs: string[];
  isRefusable(sentAtMs: number): boolean;
  sending(sent: Sent): void;
  /** When it was sent says whether a fault may have met it. */
  answered(sent: Sent, status: number, answer: Answer, sentAtMs: number): void;
  lost(sent: Sent): void;
  /** Requests without an answer, which may be stored or not: those of which only some events are. */
  halves(isStored: (eventId: string) => boolean): string[][];
};

/** `isRefusable`: whether 503 is a right answer to what was sent then, since the disk failed on purpose meanwhile. */
export function createModel(isRefusable: (sentAtMs: number) => boolean, victims: Victims): Model {
  const carriers = new Map<string, number>();
  const acceptedOnce = new Set<string>();
  const unanswered: string[][] = [];
  const model: Model = {
    events: new Map(),
    identifies: new Map(),
    acknowledged: new Set(),
    acknowledgedMarks: new Set(),
    acknowledgedLists: new Set(),
    victims,
    announced: new Set(),
    counts: { requests: 0, unanswered: 0, accepted: 0, duplicate: 0, identifies: 0 },
    wrongs: [],
    isRefusable,
    sending: ({ events, identify }) => {
      model.counts.requests += 1;
      for (const event of events) model.events.set(event.eventId, event);
      for (const id of idsOf(events)) carriers.set(id, (carriers.get(id) ?? 0) + 1);
      if (identify !== null) model.identifies.set(identify.mark, identify);
    },
    answered: (sent, status, answer, sentAtMs) => {
      const isRefused = status === 503 && isRefusable(sentAtMs);
      if (sent.victim !== undefined && (isRefused || status !== 503)) {
        const wrong = victims.answered(sent.victim, status, answer);
        if (wrong !== null) model.wrongs.push(wrong);
        return;
      }
      if (status !== (sent.isOpening === true ? 302 : 200)) {
        // One list at a time.
        const isInTurn = sent.list !== undefined && status === 429;
        if (!isRefused && !isInTurn)
          model.wrongs.push(`${sent.path} was answered with ${status}: ${JSON.stringify(answer)}`);
        return;
      }
      if (sent.list !== undefined) model.acknowledgedLists.add(sent.list);
      for (const { signal_id } of answer.signals ?? []) model.announced.add(signal_id);
      if (sent.identify !== null) {
        model.counts.identifies += 1;
        if (answer.changed === true) model.acknowledgedMarks.add(sent.identify.mark);
      }
      const told = (answer.events ?? []).filter(({ status: fate }) => fate !== "rejected");
      if (told.length !== sent.events.length)
        model.wrongs.push(`of ${sent.events.length} events ${told.length} were told`);
      for (const { event_id: id = "", status: fate, signals = [] } of told) {
        for (const { signal_id } of signals) model.announced.add(signal_id);
        model.acknowledged.add(id);
        if (fate === "duplicate") model.counts.duplicate += 1;
        else if (acceptedOnce.has(id)) model.wrongs.push(`${id} was accepted twice`);
        else {
          acceptedOnce.add(id);
          model.counts.accepted += 1;
        }
      }
    },
    lost: ({ events, victim }) => {
      model.counts.unanswered += 1;
      if (victim !== undefined) victims.lost(victim);
      const own = idsOf(events);
      if (own.length > 1) unanswered.push(own);
    },
    halves: (isStored) =>
      unanswered
        // What somebody else sent as well may be stored through them.
        .map((ids) => ids.filter((id) => carriers.get(id) === 1))
        .filter((ids) => ids.some(isStored) && !ids.every(isStored)),
  };
  return model;
}

function idsOf(events: readonly SentEvent[]): string[] {
  return [...new Set(events.map(({ eventId }) => eventId))];
}
