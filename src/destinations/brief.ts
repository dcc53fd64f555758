import { type AttributionData, DIRECT, type TouchData } from "../core/channel.ts";
import type { Json } from "../core/json.ts";
import { isAboutAccount, type Reason, type SignalData } from "../core/signal.ts";
import type { RenderContext } from "./interface.ts";

const REASONS_SHOWN = 3;
/** No single value takes over a message, whatever somebody called themselves. */
const VALUE_LENGTH_MAX = 120;
const MINUTE_MS = 60_000;

/** A signal in words, for people. Plain text: each destination escapes it in its own way. */
export type Brief = {
  /** How hot, in a few words: "hot: 63 of 100". Of a lead magnet, what was asked for. */
  heat: string;
  /** "Ada Lovelace, ada@acme.com, Acme" */
  who: string;
  /** "pricing page 3×, last 2 min ago: 24 points" */
  reasons: string[];
  /** "google / cpc, campaign spring" */
  origin: string;
  link: string | null;
};

export function briefOf(signal: SignalData, context: RenderContext): Brief {
  const { person, account, threshold, magnet } = signal;
  const score = rounded(signal.score);
  const before = rounded(signal.score_before);
  const name = nameOf(person.traits);
  const company = textOf(person.traits.company) ?? account?.domain ?? null;
  const known = [name, person.email ?? null, company].filter((part) => part !== null).map(plain);
  const who = known.length > 0 ? known.join(", ") : `a visitor not yet known (${person.person_id})`;
  const about = isAboutAccount(signal) ? account : undefined;
  const what = magnet === undefined ? threshold.name : `asked for ${JSON.stringify(magnet.title)}, ${magnet.level}`;
  const path =
    about === undefined ? `/people/${person.person_id}/explanation` : `/accounts/${about.domain}/explanation`;
  return {
    heat: `${context.isTest === true ? "TEST " : ""}${plain(what)}: ${score} of 100, before ${before}`,
    who: about === undefined ? who : `${about.domain}, active people: ${about.active_people_14d ?? 0}, latest: ${who}`,
    reasons: signal.reasons.slice(0, REASONS_SHOWN).map((reason) => reasonInWords(reason, context.nowMs)),
    origin: originOf(signal.attribution),
    link: context.linkTo?.(path) ?? null,
  };
}

/** All of it as lines, for where there is no layout. */
export function linesOf({ heat, who, reasons, origin, link }: Brief): string[] {
  return [heat, who, ...reasons, `from ${origin}`, ...(link === null ? [] : [link])];
}

export function reasonInWords({ rule, count, points, last_event_at }: Reason, nowMs: number): string {
  const ago = agoInWords(nowMs - Date.parse(last_event_at));
  return `${rule.replaceAll("_", " ")} ${count}×, last ${ago}: ${rounded(points)} points`;
}

function agoInWords(elapsedMs: number): string {
  const minutes = Math.floor(elapsedMs / MINUTE_MS);
  if (minutes < 1) return "just now";
  if (minutes < 60) return `${minutes} min ago`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ago`;
  return `${Math.floor(hours / 24)} days ago`;
}

function originOf(attribution: AttributionData | null): string {
  if (attribution === null) return "direct";
  const first = touchInWords(attribution.first);
  const last = touchInWords(attribution.last);
  return first === last ? first : `${first}; last ${last}`;
}

function touchInWords({ channel, source, medium, campaign, referrer, click_id, landing }: TouchData): string {
  const parts = [
    channel === DIRECT ? channel : "",
    [source, medium].filter((part) => part !== undefined).join(" / "),
    campaign === undefined ? "" : `campaign ${campaign}`,
    referrer ?? "",
    source === undefined && referrer === undefined ? (click_id ?? "") : "",
    landing === undefined ? "" : `landing on ${landing}`,
  ];
  return (
    parts
      .filter((part) => part !== "")
      .map(plain)
      .join(", ") || "direct"
  );
}

function nameOf(traits: { [trait: string]: Json }): string | null {
  const parts = [textOf(traits.first_name), textOf(traits.last_name)].filter((part) => part !== null);
  return textOf(traits.name) ?? (parts.length > 0 ? parts.join(" ") : null);
}

function textOf(value: Json | undefined): string | null {
  return typeof value === "string" && value.trim() !== "" ? value : null;
}

/** One line, bounded, and cut between characters. */
function plain(text: string): string {
  const line = text.replace(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, " ").trim();
  return line.length <= VALUE_LENGTH_MAX ? line : `${[...line].slice(0, VALUE_LENGTH_MAX - 1).join("")}…`;
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}
