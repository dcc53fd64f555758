/** A link was asked for. */
export type Opening = { campaignId: number; linkId: string; atMs: number };

/** So many links of different people from one place, or one person's link so often, and it was no hand. */
const BURST_OPENINGS = 3;
const BURST_WITHIN_MS = 10_000;

/** What is remembered of one place: enough to see a burst, and to call back what came shortly before a trap was opened. */
export const OPENINGS_KEPT_MAX = 50;
/** How far back, and how long on, the opening of a trap condemns what comes from the same place. */
export const TRAPPED_FOR_MS = 10 * 60_000;

/** The openings from one place that are one machine's; none when people may have done it. */
export function burstFromPlace(openings: readonly Opening[], nowMs: number): Opening[] {
  const recent = within(openings, nowMs, BURST_WITHIN_MS);
  return new Set(recent.map(({ linkId }) => linkId)).size >= BURST_OPENINGS ? recent : [];
}

/** The same for the openings of one person's link, from wherever. */
export function burstOfLink(openings: readonly Opening[], nowMs: number): Opening[] {
  const recent = within(openings, nowMs, BURST_WITHIN_MS);
  return recent.length >= BURST_OPENINGS ? recent : [];
}

export function within(openings: readonly Opening[], nowMs: number, spanMs: number): Opening[] {
  return openings.filter(({ atMs }) => atMs > nowMs - spanMs);
}
