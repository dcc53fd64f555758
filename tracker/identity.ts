import { cookie, forget, idKey, keep, keptSeconds, stored, write } from "./store.ts";
import { uuid } from "./uuid.ts";

const retiredKey = "_di.r";
const linkKey = "_di.i";

/**
 * Read anew each time, because another tab may have reset it. A cookie with the retired id is an answer of the server
 * that was still under way when it was reset.
 */
export function anonymousId(): string {
  const shared = cookie(idKey);
  const mirrored = stored[idKey];
  const id = (shared !== stored[retiredKey] && shared) || mirrored || uuid();
  if (shared !== id || mirrored !== id) keep(idKey, id);
  return id;
}

export function retireId(): void {
  write(retiredKey, anonymousId());
  keep(idKey, uuid());
  forget(linkKey);
}

export function campaignLink(): string | undefined {
  const [link, expiresMs] = stored[linkKey]?.split(" ") ?? [];
  return Number(expiresMs) > Date.now() ? link : undefined;
}

/** The first link stays: a colleague's forwarded one must not take its place. */
export function bindCampaignLink(): void {
  const { search, href } = location;
  const [whole, link] = search.match(/[?&]i=([\w-]{4,64})(?=&|$)/) ?? [];
  if (!whole) return;
  if (!campaignLink()) write(linkKey, `${link} ${Date.now() + keptSeconds * 1000}`);
  // Cut by hand, because URLSearchParams would spell the other parameters anew.
  const others = search.replace(whole, "").replace(/^&/, "?");
  history.replaceState(history.state, "", href.replace(search, others));
}
