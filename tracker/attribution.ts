import type { Who } from "./session.ts";
import { sameSite } from "./settings.ts";
import { originKey, read, write } from "./store.ts";
import { pageReferrer, pageUrl } from "./track.ts";
import type { Metadata } from "./types.ts";

const telling = /^utm_|cl(k?id|src)$|^([gw]braid|li_fat_id|igshid|rdt_cid|epik|sccid|_kx)$/;

/**
 * Where the visit came from: at the first view of a session, and when it is another place than before. A session that
 * began on another sub-domain was told there.
 */
export function attribution({ session_id }: Who): Metadata | undefined {
  const found: Metadata = {};
  for (const [name, value] of new URL(pageUrl).searchParams) if (telling.test(name)) found[name] = value;
  const from = JSON.stringify(found) + (sameSite(pageReferrer) ? "" : pageReferrer);
  const now = session_id + from;
  if (from === "{}" ? read(originKey) !== session_id : read(originKey) === now) return;
  write(originKey, now);
  return { ...found, landing_page: pageUrl };
}
