import { stored, write } from "./store.ts";
import { pageReferrer, pageUrl } from "./track.ts";
import type { Metadata } from "./types.ts";

const attributionKey = "_di.a";
const telling = /^(utm_.+|(g|d|fb|tt|tw|ir)clid|gclsrc|[gw]braid|msclkid|li_fat_id|igshid|rdt_cid|epik|sccid|_kx)$/;

/** Where the visit came from: at the first view of a session, and when it is another place than before. */
export function attribution(sessionId: string): Metadata {
  const found: Metadata = {};
  new URL(pageUrl).searchParams.forEach((value, name) => {
    if (telling.test(name)) found[name] = value;
  });
  const from = JSON.stringify([found, pageReferrer.startsWith(location.origin) ? "" : pageReferrer]);
  const now = sessionId + from;
  const before = stored[attributionKey];
  if (before === now || (from === '[{},""]' && before?.startsWith(sessionId))) return {};
  write(attributionKey, now);
  return { ...found, landing_page: pageUrl };
}
