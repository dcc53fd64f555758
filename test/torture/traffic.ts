import { CLICK_EVENT } from "../../src/core/click.ts";
import type { Identifier } from "../../src/core/identifier.ts";
import type { Chance } from "./chance.ts";
import type { SentOfVictim, Victims } from "./victims.ts";

/** An event as it is sent, and what it must be stored as. */
export type SentEvent = {
  eventId: string;
  wire: { [field: string]: unknown };
  actor: Identifier;
  isTrusted: boolean;
};

export type SentIdentify = { mark: string; claims: Identifier[]; visitor: Identifier | null; isTrusted: boolean };

/** One request; `isTrusted` carries the secret key. */
export type Sent = {
  method: "POST" | "GET" | "DELETE";
  path: string;
  body?: unknown;
  isTrusted: boolean;
  events: SentEvent[];
  identify: SentIdentify | null;
  /** Besides events and who did them: a list of leads by its name, a link that is followed, or what is about a victim. */
  list?: string;
  isOpening?: boolean;
  victim?: SentOfVictim;
};

const NAMES = ["page_view", "page_view", "page_view", "form_start", "form_submit", "cta_click", "video_complete"];
const PAGES = ["/pricing", "/demo", "/docs/start", "/blog/one", "/careers", "/", "/?utm_source=news&utm_medium=email"];
const DOMAINS = ["acme.example", "globex.example", "gmail.com"];
const PEOPLE = 8;
const VISITORS = 6;
const BATCH_MAX = 20;
const LIST_MAX = 300;
const DAY_MS = 86_400_000;

/** Those who are written to: people who are known otherwise as well, and some who are not. */
export const LEADS = Array.from({ length: PEOPLE + 4 }, (_, index) => ({
  email: emailOf(index),
  team: `team ${index}`,
}));

export type World = {
  /** The link ids of the leads. */
  links: readonly string[];
  victims: Victims;
};

function emailOf(person: number): string {
  return `p${person}@${DOMAINS[person % DOMAINS.length]}`;
}

/** One client at its business. `round` keeps its names apart from those of other rounds, but for what is shared on purpose. */
export function createClient(chance: Chance, round: string, worker: number, { links, victims }: World) {
  const sent: Sent[] = [];
  let step = 0;

  const visitorId = (): string => `v-${round}-${chance.below(VISITORS)}`;
  const email = (): string => emailOf(chance.below(PEOPLE));
  const victim = victims.createClient(chance, `${round}-${worker}`);

  const event = (eventId: string, isTrusted: boolean): SentEvent => {
    const actor: Identifier =
      isTrusted && chance.is(0.5) ? { kind: "email", value: email() } : { kind: "anonymous_id", value: visitorId() };
    const wire: SentEvent["wire"] = {
      event: chance.pick(NAMES),
      event_id: eventId,
      [actor.kind]: actor.value,
      url: chance.pick(PAGES),
    };
    if (chance.is(0.7)) wire.session_id = `s-${round}-${chance.below(3)}`;
    if (chance.is(0.2)) wire.timestamp = Date.now() - chance.below(20 * DAY_MS);
    if (chance.is(0.3)) wire.metadata = { page: step, text: "x".repeat(chance.below(chance.is(0.05) ? 8_000 : 60)) };
    return { eventId, wire, actor, isTrusted };
  };

  const track = (): Sent => {
    const isTrusted = chance.is(0.2);
    const isBatch = chance.is(0.4);
    const count = isBatch ? chance.between(2, BATCH_MAX) : 1;
    const events = Array.from({ length: count }, (_, index) =>
      event(`e-${round}-${worker}-${step}-${index}`, isTrusted),
    );
    // Two tabs, or a beacon and a request, bring the same one.
    const [first] = events;
    if (isBatch && first !== undefined && chance.is(0.3)) events.push(first);
    const wires: unknown[] = events.map(({ wire }) => wire);
    if (isBatch && chance.is(0.1)) wires.splice(chance.below(wires.length), 0, { event: "", anonymous_id: "nobody" });
    return { method: "POST", path: "/track", body: isBatch ? wires : wires[0], isTrusted, events, identify: null };
  };

  const identify = (): Sent => {
    const isTrusted = chance.is(0.6);
    const claims: Identifier[] = [{ kind: "email", value: email() }];
    if (chance.is(0.3)) claims.unshift({ kind: "user_id", value: `u${chance.below(PEOPLE)}` });
    const visitor: Identifier | null = chance.is(0.9) ? { kind: "anonymous_id", value: visitorId() } : null;
    const mark = `${round}-${worker}-${step}`;
    const body = {
      ...(visitor === null ? {} : { anonymous_id: visitor.value }),
      identity: { ...Object.fromEntries(claims.map(({ kind, value }) => [kind, value])), mark },
    };
    return {
      method: "POST",
      path: "/identify",
      body,
      isTrusted,
      events: [],
      identify: { mark, claims, visitor, isTrusted },
    };
  };

  /** A link is followed, or the page behind it has seen a hand. */
  const click = (): Sent => {
    const link = chance.pick(links);
    const fixed = { isTrusted: false, identify: null };
    if (chance.is(0.4)) return { method: "GET", path: `/c/spring/${link}`, ...fixed, events: [], isOpening: true };
    const actor: Identifier = { kind: "anonymous_id", value: visitorId() };
    const eventId = `c-${round}-${worker}-${step}`;
    const metadata = { link, evidence: "moved" };
    const wire = { event: CLICK_EVENT, event_id: eventId, anonymous_id: actor.value, url: "/demo", metadata };
    return {
      method: "POST",
      path: "/track",
      ...fixed,
      body: wire,
      events: [{ eventId, wire, actor, isTrusted: false }],
    };
  };

  const list = (): Sent => {
    const name = `list-${round}-${worker}-${step}`;
    const leads = Array.from({ length: chance.between(1, LIST_MAX) }, (_, index) => ({
      email: `l${index}-${chance.below(9)}@list.example`,
    }));
    const body = { name, base_url: "https://acme.example", leads };
    return { method: "POST", path: "/campaigns", body, isTrusted: true, events: [], identify: null, list: name };
  };

  return {
    next: (): Sent => {
      step += 1;
      // A client that got no answer, or does not remember it, sends again.
      if (sent.length > 0 && chance.is(0.15)) return chance.pick(sent);
      if (chance.is(0.15)) return victim.next();
      if (chance.is(0.01)) return list();
      const request = chance.is(0.1) ? click() : chance.is(0.25) ? identify() : track();
      sent.push(request);
      return request;
    },
  };
}
