import type { Who } from "./session.ts";
import { read, write } from "./store.ts";
import { pageReferrer, pageUrl } from "./track.ts";
import type { Metadata } from "./types.ts";

const attributionKey = "_di.a";
const telling = /^utm_|clid$|^(gclsrc|[gw]braid|msclkid|li_fat_id|igshid|rdt_cid|epik|sccid|_kx)$/;

/** Where the visit came from: at the first view of a session, and when it is another place than before. */
export function attribution({ session_id }: Who): Metadata {
  const found: Metadata = {};
  new URL(pageUrl).searchParams.forEach((value, name) => {
    if (telling.test(name)) found[name] = value;
  });
  const from = JSON.stringify(found) + (pageReferrer.startsWith(location.origin) ? "" : pageReferrer);
  const now = session_id + from;
  if (read(attributionKey).startsWith(from === "{}" ? session_id : now)) return {};
  write(attributionKey, now);
  return { ...found, landing_page: pageUrl };
}
