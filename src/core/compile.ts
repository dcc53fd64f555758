import type { Touch } from "./attribution.ts";
import { type ChannelOf, compileChannels } from "./channel.ts";
import { parseDurationMs } from "./duration.ts";
import { type Event, IDENTIFY_EVENT } from "./event.ts";
import { compileGlobs, foldedPlaceOf } from "./page.ts";
import type { Condition, Matcher, Rule, Scoring } from "./rules.ts";

/** What conditions look at: the event and what can be read off it alone. */
type Subject = { event: Event; touch: Touch | null; pageClass: string | null };

export type CompiledRule = Rule & { halfLifeMs: number | null; matches: (subject: Subject) => boolean };

/** A threshold with its re-arm level, both in points. */
export type Threshold = { name: string; score: number; rearm: number };

/** The scoring config made ready: rules by event name, thresholds from the lowest up, and the config's hash. */
export type Rules = {
  hash: string;
  byName: Map<string, CompiledRule>;
  groups: Map<string, { max: number; rules: CompiledRule[] }>;
  thresholds: Threshold[];
  accountThresholds: Threshold[];
  channelOf: ChannelOf;
  matching(event: Event, touch: Touch | null): CompiledRule[];
};

const REARM_SHARE = 0.8;
const REMEMBERED_PLACES_MAX = 2_000;
/** Longer ones are no page of a site but somebody's attempt to fill the memory. */
const REMEMBERED_LENGTH_MAX = 200;

export function compileRules(scoring: Scoring, hash: string): Rules {
  const pageClassOf = compilePageClasses(scoring.page_classes);
  const channelOf = compileChannels(scoring.channels ?? {});
  const compiled = scoring.rules.map(
    (rule): CompiledRule => ({
      ...rule,
      halfLifeMs: rule.half_life == null ? null : parseDurationMs(rule.half_life),
      matches: compileCondition(rule.when, channelOf),
    }),
  );
  const forAny = compiled.filter((rule) => [rule.event].flat().includes("*"));
  const byEvent = new Map<string, CompiledRule[]>();
  for (const eventName of new Set(compiled.flatMap((rule) => rule.event))) {
    byEvent.set(
      eventName,
      compiled.filter((rule) => [rule.event].flat().some((named) => named === eventName || named === "*")),
    );
  }
  return {
    hash,
    byName: new Map(compiled.map((rule) => [rule.name, rule])),
    groups: new Map(
      Object.entries(scoring.groups).map(([name, { max }]) => [
        name,
        { max, rules: compiled.filter((rule) => rule.group === name) },
      ]),
    ),
    thresholds: compileThresholds(scoring.thresholds),
    accountThresholds: compileThresholds(scoring.accounts?.thresholds ?? {}),
    channelOf,
    matching: (event, touch) => {
      const candidates = byEvent.get(event.name) ?? forAny;
      if (candidates.length === 0) return [];
      const subject = { event, touch, pageClass: pageClassOf(event) };
      return candidates.filter((rule) => rule.matches(subject));
    },
  };
}

function compileThresholds(thresholds: Scoring["thresholds"]): Threshold[] {
  return Object.entries(thresholds)
    .map(([name, threshold]): Threshold => {
      if (typeof threshold === "number") return { name, score: threshold, rearm: threshold * REARM_SHARE };
      return { name, ...threshold };
    })
    .sort((a, b) => a.score - b.score);
}

function compilePageClasses(pageClasses: Scoring["page_classes"]): (event: Event) => string | null {
  const classes = Object.entries(pageClasses).map(([name, globs]) => ({ name, matches: compileGlobs(globs) }));
  // A site has few pages and every event names one of them.
  const remembered = new Map<string, string | null>();
  return (event) => {
    const said = event.properties.page_class;
    if (typeof said === "string" && said !== "") return said;
    if (event.url === null) return null;
    const place = foldedPlaceOf(event.url);
    const key = place.host + place.path;
    let found = remembered.get(key);
    if (found === undefined) {
      found = classes.find((candidate) => candidate.matches(place))?.name ?? null;
      if (remembered.size >= REMEMBERED_PLACES_MAX) remembered.clear();
      if (key.length <= REMEMBERED_LENGTH_MAX) remembered.set(key, found);
    }
    return found;
  };
}

function compileCondition(condition: Condition | undefined, channelOf: ChannelOf): (subject: Subject) => boolean {
  const tests: ((subject: Subject) => boolean)[] = [];
  if (condition?.page_class !== undefined) {
    const wanted = [condition.page_class].flat();
    tests.push(({ pageClass }) => pageClass !== null && wanted.includes(pageClass));
  }
  if (condition?.url !== undefined) {
    const matchesUrl = compileGlobs([condition.url].flat());
    tests.push(({ event }) => event.url !== null && matchesUrl(foldedPlaceOf(event.url)));
  }
  for (const [key, matcher] of Object.entries(condition?.properties ?? {})) {
    const matches = compileMatcher(matcher);
    tests.push(({ event }) => matches(event.properties[key]));
  }
  for (const [key, matcher] of Object.entries(condition?.traits ?? {})) {
    const matches = compileMatcher(matcher);
    tests.push(({ event }) => event.name === IDENTIFY_EVENT && matches(traitOf(event, key)));
  }
  for (const [key, matcher] of Object.entries(condition?.attribution ?? {})) {
    const matches = compileMatcher(matcher);
    const read = key === "channel" ? channelOf : (touch: Touch) => touch[key as keyof Touch];
    tests.push(({ touch }) => matches(touch === null ? undefined : read(touch)));
  }
  return (subject) => tests.every((test) => test(subject));
}

function traitOf(event: Event, key: string): unknown {
  const traits = event.properties.traits;
  return traits !== null && typeof traits === "object" && !Array.isArray(traits) ? traits[key] : undefined;
}

export function compileMatcher(matcher: Matcher): (value: unknown) => boolean {
  if (typeof matcher !== "object") return (value) => isSame(value, matcher);
  if (Array.isArray(matcher)) return (value) => matcher.some((wanted) => isSame(value, wanted));
  const { gte, gt, lte, lt, contains, not, exists } = matcher;
  const refused = not === undefined ? [] : [not].flat();
  const hasBounds = [gte, gt, lte, lt].some((bound) => bound !== undefined);
  return (value) => {
    if (exists !== undefined && (value !== undefined && value !== null) !== exists) return false;
    if (refused.some((unwanted) => isSame(value, unwanted))) return false;
    if (contains !== undefined && !(typeof value === "string" && fold(value).includes(fold(contains)))) return false;
    if (!hasBounds) return true;
    if (typeof value !== "number") return false;
    return (
      value >= (gte ?? -Infinity) && value > (gt ?? -Infinity) && value <= (lte ?? Infinity) && value < (lt ?? Infinity)
    );
  };
}

function isSame(value: unknown, wanted: string | number | boolean): boolean {
  return value === wanted || (typeof value === "string" && typeof wanted === "string" && fold(value) === fold(wanted));
}

function fold(text: string): string {
  return text.toLowerCase();
}
