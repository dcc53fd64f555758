import { type Attribution, isDirect, type Touch } from "./attribution.ts";

/** Channel to the words that name it; the first channel that knows a word of the touch wins. */
export type Channels = { readonly [channel: string]: readonly string[] };

export type ChannelOf = (touch: Touch) => string;

export const DIRECT = "direct";
/** Came from somewhere that no channel knows. */
const REFERRAL = "referral";

/** A touch as others read it. */
export type TouchData = Omit<Touch, "at"> & { at: string; channel: string };

export type AttributionData = { first: TouchData; last: TouchData; last_non_direct: TouchData | null };

/**
 * Which channel a touch came through, by its utm_source, utm_medium, click id and referrer. Computed when reading, so that
 * a changed table holds for everybody's past.
 */
export function compileChannels(channels: Channels): ChannelOf {
  const known = Object.entries(channels).map(([name, words]) => ({
    name,
    words: new Set(words.map((word) => word.toLowerCase())),
  }));
  return (touch) => {
    if (isDirect(touch)) return DIRECT;
    const said = [touch.medium, touch.source, touch.click_id, touch.referrer].flatMap(wordsOf);
    return known.find(({ words }) => said.some((word) => words.has(word)))?.name ?? REFERRAL;
  };
}

/** A host is known by its own name, by any domain above it, and by any label: `google` is also google.co.za. */
function wordsOf(text: string | undefined): string[] {
  if (text === undefined) return [];
  const word = text.trim().toLowerCase();
  const labels = word.split(".");
  return [...labels, ...labels.map((_, index) => labels.slice(index).join("."))];
}

export function attributionData(attribution: Attribution | null, channelOf: ChannelOf): AttributionData | null {
  if (attribution === null) return null;
  const dataOf = (touch: Touch): TouchData => ({
    ...touch,
    at: new Date(touch.at).toISOString(),
    channel: channelOf(touch),
  });
  const { first, last, last_non_direct: named } = attribution;
  return { first: dataOf(first), last: dataOf(last), last_non_direct: named === null ? null : dataOf(named) };
}
