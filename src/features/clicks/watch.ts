import {
  burstFromPlace,
  burstOfLink,
  OPENINGS_KEPT_MAX,
  type Opening,
  TRAPPED_FOR_MS,
  within,
} from "../../core/opening.ts";

/** Places and links that are remembered; beyond them the one that has been quiet for longest is forgotten. */
const REMEMBERED_MAX = 20_000;
const PLACE_LENGTH = 22;

/** What shows only over several openings: who opens a trap, and who opens many links at once. */
export type ClickWatch = {
  /** A network and a user agent under a keyed hash; null when the network is not known. Addresses are kept nowhere. */
  placeOf(network: string | null, userAgent: string | null): string | null;
  /** Takes note of an opening. Says why it is a machine's, if it is, and which earlier ones turn out to be too. */
  open(opening: Opening, place: string | null): { reason: "honeypot" | "burst" | null; suspected: Opening[] };
  /** A link was opened that no person sees: gives back what else came from there shortly before. */
  trap(place: string | null, nowMs: number): Opening[];
  isTrapped(place: string | null, nowMs: number): boolean;
};

type Seen = { openings: Opening[]; trappedMs: number };

/** In memory only, for minutes, and bounded: a restart forgets it, and what it would have told stays a guess anyway. */
export function createClickWatch(secret: Buffer): ClickWatch {
  const places = new Map<string, Seen>();
  const links = new Map<string, Seen>();

  const isTrapped = (place: string | null, nowMs: number): boolean =>
    place !== null && Math.abs(nowMs - (places.get(place)?.trappedMs ?? Number.NEGATIVE_INFINITY)) < TRAPPED_FOR_MS;

  return {
    placeOf: (network, userAgent) =>
      network === null
        ? null
        : new Bun.CryptoHasher("sha256", secret)
            .update(`place\n${network}\n${userAgent ?? ""}`)
            .digest("base64url")
            .slice(0, PLACE_LENGTH),
    open: (opening, place) => {
      const ofLink = note(links, opening.linkId, opening);
      const fromPlace = place === null ? [] : note(places, place, opening);
      const burst = new Set([...burstOfLink(ofLink, opening.atMs), ...burstFromPlace(fromPlace, opening.atMs)]);
      const suspected = [...burst].filter((earlier) => earlier !== opening);
      if (isTrapped(place, opening.atMs)) return { reason: "honeypot", suspected };
      return { reason: burst.size > 0 ? "burst" : null, suspected };
    },
    trap: (place, nowMs) => {
      if (place === null) return [];
      const seen = touch(places, place);
      seen.trappedMs = nowMs;
      return within(seen.openings, nowMs, TRAPPED_FOR_MS);
    },
    isTrapped,
  };
}

function note(all: Map<string, Seen>, key: string, opening: Opening): Opening[] {
  const seen = touch(all, key);
  seen.openings = [...within(seen.openings, opening.atMs, TRAPPED_FOR_MS), opening].slice(-OPENINGS_KEPT_MAX);
  return seen.openings;
}

function touch(all: Map<string, Seen>, key: string): Seen {
  const seen = all.get(key) ?? { openings: [], trappedMs: Number.NEGATIVE_INFINITY };
  all.delete(key);
  all.set(key, seen);
  if (all.size > REMEMBERED_MAX) {
    const [quietest] = all.keys();
    if (quietest !== undefined) all.delete(quietest);
  }
  return seen;
}
