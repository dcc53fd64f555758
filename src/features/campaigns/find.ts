import { AppError } from "../../core/error.ts";
import { parseId } from "../../core/id.ts";
import type { CampaignReader, StoredCampaign } from "../../store/sqlite/campaigns.ts";

/** A campaign by its id or by the name in its links. */
export function findCampaign(said: string | null, campaigns: CampaignReader): StoredCampaign {
  if (said === null) throw new AppError("invalid", "is broken; percent-encode what is no letter or digit", "id");
  const campaignId = parseId("campaign", said);
  const found = campaignId === null ? campaigns.bySlug(said) : campaigns.byId(campaignId);
  if (found !== null) return found;
  throw new AppError("not_found", "there is no such campaign; GET /campaigns lists them");
}
