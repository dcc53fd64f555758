import { siteOf } from "./domain.ts";
import type { Event } from "./event.ts";
import { placeOf } from "./page.ts";

/** Where an event came from, as the event itself says; null fields are left out. */
export type Touch = {
  at: number;
  source?: string;
  medium?: string;
  campaign?: string;
  term?: string;
  content?: string;
  /** Which click id it carried, and the id itself, which ad platforms ask for when a sale is reported to them. */
  click_id?: string;
  click_id_value?: string;
  referrer?: string;
  landing?: string;
};

/** First, last and last non-direct touch; two of them combine in any order to the same. */
export type Attribution = { first: Touch; last: Touch; last_non_direct: Touch | null };

const CLICK_IDS = [
  "gclid",
  "gclsrc",
  "gbraid",
  "wbraid",
  "dclid",
  "fbclid",
  "msclkid",
  "ttclid",
  "twclid",
  "li_fat_id",
  "igshid",
  "rdt_cid",
  "epik",
  "sccid",
  "irclid",
  "_kx",
] as const;
const UTM_FIELDS = ["source", "medium", "campaign", "term", "content"] as const;
/** What the tracker says once, when a visit begins or comes from somewhere else. */
const ARRIVAL_KEY = "landing_page";
const TELLING_KEYS: ReadonlySet<string> = new Set([
  ...UTM_FIELDS.map((field) => `utm_${field}`),
  ...CLICK_IDS,
  ARRIVAL_KEY,
]);
const VALUE_LENGTH_MAX = 200;
const CLICK_ID_LENGTH_MAX = 400;

/**
 * The touch an event carries (utm_*, click ids, an outside referrer), or null when it names no origin. An arrival that
 * names none is a direct touch: only the event itself says so, since its neighbours may come in any order.
 */
export function touchOf(event: Event): Touch | null {
  const { url, referrer, properties } = event;
  const queryStart = url === null ? -1 : url.indexOf("?");
  const query = url !== null && queryStart >= 0 ? new URLSearchParams(url.slice(queryStart + 1).split("#")[0]) : null;
  const hasReferrer = referrer !== null && referrer !== "";
  const outside = hasReferrer ? outsideReferrer(referrer, url) : null;
  // Most events say nothing of where they came from; they should not pay for twenty searches.
  if (query === null && outside === null && !Object.keys(properties).some((key) => TELLING_KEYS.has(key))) return null;
  const touch: Touch = { at: event.occurredMs };
  let named = false;
  const value = (key: string, lengthMax = VALUE_LENGTH_MAX): string | undefined => {
    const found = properties[key] ?? query?.get(key);
    return typeof found === "string" && found !== "" ? found.slice(0, lengthMax) : undefined;
  };
  for (const field of UTM_FIELDS) {
    const found = value(`utm_${field}`);
    if (found === undefined) continue;
    touch[field] = found;
    named = true;
  }
  const clickId = CLICK_IDS.find((key) => value(key) !== undefined);
  if (clickId !== undefined) {
    touch.click_id = clickId;
    const clickValue = value(clickId, CLICK_ID_LENGTH_MAX + 1) ?? "";
    // Half an id is none.
    if (clickValue.length <= CLICK_ID_LENGTH_MAX) touch.click_id_value = clickValue;
  }
  if (outside !== null) touch.referrer = outside;
  // Who came from a page of the same site, after a rest or from another sub-domain, has come from nowhere.
  const isArrival = typeof properties[ARRIVAL_KEY] === "string" && (!hasReferrer || outside !== null);
  if (!named && clickId === undefined && outside === null && !isArrival) return null;
  if (url !== null) touch.landing = placeOf(url).path.slice(0, VALUE_LENGTH_MAX);
  return touch;
}

function outsideReferrer(referrer: string, url: string | null): string | null {
  if (!referrer.includes("://")) return referrer.startsWith("/") ? null : referrer.slice(0, VALUE_LENGTH_MAX);
  const from = placeOf(referrer);
  const isInside = url !== null && isSameSite(placeOf(url).host, from.host);
  return isInside || from.host === "" ? null : from.host.slice(0, VALUE_LENGTH_MAX);
}

/** A shop's sub-domain is no origin: who goes from one to the other has not come from outside. */
function isSameSite(host: string, other: string): boolean {
  if (host === other) return true;
  const site = siteOf(host);
  return site !== null && site === siteOf(other);
}

/** Whether somebody came by themselves: nothing says from where. */
export function isDirect({ at: _at, landing: _landing, ...origin }: Touch): boolean {
  return Object.keys(origin).length === 0;
}

export function attributionOf(touch: Touch): Attribution {
  return { first: touch, last: touch, last_non_direct: isDirect(touch) ? null : touch };
}

export function combineAttribution(a: Attribution | null, b: Attribution | null): Attribution | null {
  if (a === null || b === null) return a ?? b;
  const first = isBefore(b.first, a.first) ? b.first : a.first;
  const last = laterOf(a.last, b.last);
  const named = laterOf(a.last_non_direct, b.last_non_direct);
  if (first === a.first && last === a.last && named === a.last_non_direct) return a;
  return { first, last, last_non_direct: named };
}

function laterOf<Known extends Touch | null>(a: Known, b: Known): Known {
  if (a === null || b === null) return a ?? b;
  return isBefore(a, b) ? b : a;
}

/** Touches of the same moment are told apart by what they say, so that the order of arrival decides nothing. */
function isBefore(a: Touch, b: Touch): boolean {
  return a.at < b.at || (a.at === b.at && JSON.stringify(a) < JSON.stringify(b));
}
