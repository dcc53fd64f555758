import { cookie, forget, idKey, keep, keptSeconds, read, stored, write } from "./store.ts";
import { uuid } from "./uuid.ts";

const retiredKey = "_di.r";
const linkKey = "_di.i";

/**
 * Read anew each time, because another tab may have reset it. A cookie with the retired id is an answer of the server
 * that was still under way when it was reset.
 */
export function anonymousId(made = uuid()): string {
  const shared = cookie(idKey);
  const id = (shared !== stored[retiredKey] && shared) || stored[idKey] || made;
  if (id && (shared !== id || stored[idKey] !== id)) keep(idKey, id);
  return id;
}

export function retireId(): void {
  write(retiredKey, anonymousId());
  keep(idKey, uuid());
  forget(linkKey);
}

export function campaignLink() {
  const [link, expiresMs] = read(linkKey).split(" ");
  if (+(expiresMs as string) > Date.now()) return link;
}

/**
 * The link in the address goes out of it, and back to who asks: it is the one that was clicked. The first link stays
 * the browser's own: a colleague's forwarded one must not take its place.
 */
export function bindCampaignLink(): string {
  let link = "";
  // Cut by hand, because URLSearchParams would spell the other parameters anew; what stands behind # is not ours. Some
  // programs write the characters of a link that are no letters their own way.
  const others = location.href
    .replace(/#.*/, "")
    .replace(/([?&])i=((?:\w|-|%2[Dd]){4,64})(&|$)/, (_, before, found, after) => {
      link = unescape(found);
      return after && before;
    });
  if (link) {
    if (!campaignLink()) write(linkKey, `${link} ${Date.now() + keptSeconds * 1000}`);
    history.replaceState(history.state, "", others + location.hash);
  }
  return link;
}
