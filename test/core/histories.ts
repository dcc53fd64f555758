import fc from "fast-check";
import type { Command } from "../../src/core/decide.ts";
import { DAY_MS } from "../../src/core/duration.ts";
import type { Event } from "../../src/core/event.ts";
import type { Identifier } from "../../src/core/identifier.ts";
import { eventOf, identifier, identify, track, visitorId } from "./world.ts";

export const START_MS = Date.UTC(2024, 0, 1);
export const END_MS = START_MS + 30 * DAY_MS;

/** Quarter days: coarse, so that equal times, the hardest case of any order, come up all the time. */
const occurredMs = fc.integer({ min: 0, max: 120 }).map((quarter) => START_MS + quarter * (DAY_MS / 4));

const happening: fc.Arbitrary<Event> = fc
  .record({
    occurredMs,
    name: fc.constantFrom("page_view", "page_view", "page_view", "form_submit", "demo", "leave", "signup", "other"),
    url: fc.constantFrom(null, "/", "/pricing", "/pricing?utm_source=news", "/careers/cook", "/?utm_campaign=spring"),
    sessionId: fc.constantFrom(null, "one", "two", "three"),
    referrer: fc.constantFrom(null, null, "google", "https://news.example/today"),
    bot: fc.constantFrom(null, null, null, null, null, "user_agent"),
  })
  .map(({ occurredMs: atMs, ...fields }) => ({ ...eventOf({ eventId: "", occurredMs: atMs }), ...fields }));

/** Something one of `visitors` does; `rank` is when it arrives. */
type Done = { visitor: number; event: Event; rank: number };

export function doings(visitors: number, most: number): fc.Arbitrary<Done[]> {
  const done = fc.record({ visitor: fc.nat(visitors - 1), event: happening, rank: fc.nat(1_000) });
  return fc
    .array(done, { minLength: 1, maxLength: most })
    .map((all) => all.map((one, index) => ({ ...one, event: { ...one.event, eventId: `event ${index}` } })));
}

export function visitor(index: number): Identifier {
  return visitorId(`visitor ${index}`);
}

/** The commands in order of arrival; equal ranks stay as they were written. */
export function arrive(ranked: readonly { rank: number; command: EventCommand }[]): EventCommand[] {
  return [...ranked].sort((a, b) => a.rank - b.rank).map(({ command }) => command);
}

export function tracked(all: readonly Done[]): { rank: number; command: EventCommand }[] {
  return all.map(({ visitor: index, event, rank }) => ({ rank, command: track(visitor(index), event) }));
}

/** Every visitor says the same e-mail, each at its own moment in the arrival. */
export function gathered(ranks: readonly number[]): { rank: number; command: EventCommand }[] {
  return ranks.map((rank, index) => ({
    rank,
    command: identify([identifier("email", "ada@lovelace.example")], visitor(index), {
      eventId: `identify ${index}`,
      occurredMs: START_MS + index * DAY_MS,
    }),
  }));
}

/** Cuts an arrival into batches: `cuts` tells after how many commands each of them ends. */
export function batchesOf(commands: readonly Command[], cuts: readonly number[]): Command[][] {
  const batches: Command[][] = [];
  let from = 0;
  for (const cut of cuts) {
    batches.push(commands.slice(from, from + cut));
    from += cut;
  }
  return [...batches, commands.slice(from)].filter((batch) => batch.length > 0);
}

const strongValue = {
  user_id: ["u1", "u2", "u3"],
  email: ["a@acme.example", "b@mail.acme.example", "c@gmail.com"],
  phone: ["+27821111111", "+27822222222"],
} as const;

const claimsOf = fc
  .record({
    user_id: fc.option(fc.constantFrom(...strongValue.user_id)),
    email: fc.option(fc.constantFrom(...strongValue.email)),
    phone: fc.option(fc.constantFrom(...strongValue.phone), { freq: 1 }),
  })
  .map((said) =>
    (["user_id", "email", "phone"] as const).flatMap((kind) => {
      const value = said[kind];
      return value === null ? [] : [identifier(kind, value)];
    }),
  );

/** Commands that bring an event; only they can be told apart by it. */
export type EventCommand = Extract<Command, { event: Event }>;

/** Whatever a site with shared devices, log-ins and mistakes sends: events and identifies, in any mixture. */
export function lives(most: number): fc.Arbitrary<EventCommand[]> {
  const doing = fc
    .record({ index: fc.nat(3), event: happening })
    .map(({ index, event }): EventCommand => track(visitor(index), event));
  const saying = fc
    .record({ claims: claimsOf, index: fc.option(fc.nat(3)), isTrusted: fc.boolean(), occurredMs, plan: fc.nat(1) })
    .filter(({ claims, index }) => claims.length > 0 || index !== null)
    .map(
      ({ claims, index, isTrusted, occurredMs: atMs, plan }): EventCommand =>
        identify(
          claims,
          index === null ? null : visitor(index),
          { eventId: "", occurredMs: atMs },
          { isTrusted, traits: { plan } },
        ),
    );
  return fc
    .array(fc.oneof({ weight: 3, arbitrary: doing }, { weight: 2, arbitrary: saying }), {
      minLength: 1,
      maxLength: most,
    })
    .map((commands) =>
      commands.map(
        (command, index): EventCommand => ({ ...command, event: { ...command.event, eventId: `event ${index}` } }),
      ),
    );
}
