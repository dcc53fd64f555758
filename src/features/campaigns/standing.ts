import { touchOf } from "../../core/attribution.ts";
import { CLICK_EVENT } from "../../core/click.ts";
import type { Rules } from "../../core/compile.ts";
import { type Event, IDENTIFY_EVENT } from "../../core/event.ts";
import { isStrong } from "../../core/identifier.ts";
import { scoreOf } from "../../core/score.ts";
import { levelOf } from "../../core/threshold.ts";
import type { CampaignReader, StoredClick } from "../../store/sqlite/campaigns.ts";
import { type EventReader, NEWEST } from "../../store/sqlite/events.ts";
import { type PeopleReader, SHOWN_IDENTITIES_MAX } from "../../store/sqlite/people.ts";
import type { LeadStatus } from "./schema.ts";

/** The group whose rules count conversions. */
const CONVERSION_GROUP = "conversion";
const SLICE_EVENTS = 200;
/** Events of one person that are looked through for conversions, the newest first. */
const CONVERSION_EVENTS_MAX = 5_000;

export type StandingDeps = { campaigns: CampaignReader; people: PeopleReader; events: EventReader };

export type ClickCounts = { human: number; machine: number; pending: number };

/** What came of one lead's links in one campaign. */
export type LeadStanding = {
  linkId: string;
  clicks: ClickCounts;
  reasons: { [reason: string]: number };
  /** Humans who followed the link and are known to be somebody else: it was passed on. */
  forwarded: number;
  firstHumanMs: number | null;
  lastMs: number | null;
  personIds: number[];
};

export type PersonStanding = {
  personId: number;
  isKnown: boolean;
  score: number;
  level: string;
  convertedMs: number[];
};

/** The lead as far as it went, with the highest of the people behind its links. */
export type JudgedLead = LeadStanding & { status: LeadStatus; people: PersonStanding[]; best: PersonStanding | null };

/** By link: only those that anything followed. */
export function standingsOf(clicks: Iterable<StoredClick>): Map<string, LeadStanding> {
  const standings = new Map<string, LeadStanding>();
  for (const { linkId, clickedMs, verdict, reason, personId, times } of clicks) {
    const standing = standings.get(linkId) ?? freshStanding(linkId);
    standings.set(linkId, standing);
    standing.clicks[verdict] += times;
    standing.lastMs = clickedMs;
    if (verdict === "machine" && reason !== null) standing.reasons[reason] = (standing.reasons[reason] ?? 0) + times;
    if (verdict !== "human") continue;
    standing.firstHumanMs ??= clickedMs;
    // A reason beside a human's click says why the visitor is not taken for the lead.
    if (reason !== null) standing.forwarded += times;
    else if (personId !== null && !standing.personIds.includes(personId)) standing.personIds.push(personId);
  }
  return standings;
}

/** One that nothing followed yet. */
export function freshStanding(linkId: string): LeadStanding {
  const clicks = { human: 0, machine: 0, pending: 0 };
  return { linkId, clicks, reasons: {}, forwarded: 0, firstHumanMs: null, lastMs: null, personIds: [] };
}

/** Judges leads by what the people behind their links are now. */
export function createJudge({ people, events }: StandingDeps, rules: Rules, nowMs: number) {
  const isConversion = conversionTest(rules);
  const judgePerson = (personId: number, sinceMs: number): PersonStanding => {
    const { score } = people.personOf(personId);
    const points = scoreOf(score.sums, rules, nowMs);
    return {
      personId,
      isKnown: people.liveIdentitiesOf(personId, SHOWN_IDENTITIES_MAX).some(({ kind }) => isStrong(kind)),
      score: points,
      level: levelOf(points, rules.thresholds),
      convertedMs: isConversion === null ? [] : conversionsSince(personId, sinceMs, { people, events }, isConversion),
    };
  };
  return (standing: LeadStanding): JudgedLead => {
    const { personIds, firstHumanMs, clicks } = standing;
    const judged = personIds.map((personId) => judgePerson(personId, firstHumanMs ?? 0));
    const best = judged.reduce<PersonStanding | null>(
      (top, one) => (top === null || one.score > top.score ? one : top),
      null,
    );
    const status = ((): LeadStatus => {
      if (judged.some(({ convertedMs }) => convertedMs.length > 0)) return "converted";
      if (judged.some(({ isKnown }) => isKnown)) return "identified";
      if (clicks.human > 0) return "clicked";
      if (clicks.pending > 0) return "pending";
      return clicks.machine > 0 ? "machine" : "sent";
    })();
    return { ...standing, status, people: judged, best };
  };
}

/** Whether a lead is one of those that a status asks for: who went further was there as well, where it is a step. */
export function isOfStatus({ status, clicks, people }: JudgedLead, wanted: LeadStatus): boolean {
  if (wanted === "clicked") return clicks.human > 0;
  if (wanted === "identified") return people.some(({ isKnown }) => isKnown);
  return status === wanted;
}

/** Whether the config has conversions at all. */
export function hasConversions(rules: Rules): boolean {
  return rules.groups.has(CONVERSION_GROUP);
}

/** An event that gives points in the group of conversions, but for the click itself and for saying who one is. */
function conversionTest(rules: Rules): ((event: Event) => boolean) | null {
  if (!hasConversions(rules)) return null;
  return (event) =>
    event.bot === null &&
    event.name !== CLICK_EVENT &&
    event.name !== IDENTIFY_EVENT &&
    rules.matching(event, touchOf(event)).some(({ group, points }) => group === CONVERSION_GROUP && points > 0);
}

function conversionsSince(
  personId: number,
  sinceMs: number,
  { people, events }: Pick<StandingDeps, "people" | "events">,
  isConversion: (event: Event) => boolean,
): number[] {
  const identityIds = people.allIdentitiesOf(personId).map(({ identityId }) => identityId);
  const found: number[] = [];
  let before = NEWEST;
  for (let looked = 0; looked < CONVERSION_EVENTS_MAX; looked += SLICE_EVENTS) {
    const slice = events.newestOf(identityIds, before, SLICE_EVENTS);
    for (const event of slice) {
      if (event.occurredMs < sinceMs) return found;
      if (isConversion(event)) found.push(event.occurredMs);
    }
    const last = slice.at(-1);
    if (last === undefined || slice.length < SLICE_EVENTS) return found;
    before = { occurredMs: last.occurredMs, eventSeq: last.eventSeq };
  }
  return found;
}
