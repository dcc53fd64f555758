import { landingUrls, redirectUrl } from "../../core/campaign.ts";
import { AppError } from "../../core/error.ts";
import { leadColumnsOf } from "../../core/lead-columns.ts";
import { csvLine } from "../../http/csv.ts";
import { hashEmail } from "../../http/hash-email.ts";
import type { CampaignReader, StoredCampaign, StoredLead } from "../../store/sqlite/campaigns.ts";

export type ExportOptions = {
  publicUrl: string | null;
  /** Addresses leave as their SHA-256. */
  isHashed: boolean;
};

/** Leads of one piece: as long as it is made, nothing else happens on its thread. */
const PIECE_LEADS = 200;

/** The list as it came, with the links of each lead, in pieces. */
export function* exportCampaign(
  campaign: StoredCampaign,
  campaigns: CampaignReader,
  { publicUrl, isHashed }: ExportOptions,
): Generator<string, void> {
  if (publicUrl === null) {
    throw new AppError(
      "conflict",
      "links need the address of this server: set public_url in intent.json, such as https://intent.example.com",
    );
  }
  const { campaignId, slug, columns } = campaign;
  const direct = landingUrls(campaign);
  const emails = isHashed ? (leadColumnsOf(columns)?.emails ?? []) : [];
  const lineOf = ({ linkId, cells }: StoredLead): string => {
    const own = columns.map((_, index) => {
      const cell = cells[index] ?? "";
      return emails.includes(index) && cell.trim() !== "" ? hashEmail(cell) : cell;
    });
    return csvLine([...own, redirectUrl(publicUrl, slug, linkId), direct(linkId)]);
  };
  yield csvLine([...columns, ...namesBeside(columns)]);
  let after = -1;
  for (;;) {
    const leads = campaigns.leadsAfter(campaignId, after, PIECE_LEADS);
    if (leads.length > 0) yield leads.map(lineOf).join("");
    after = leads.at(-1)?.position ?? after;
    if (leads.length < PIECE_LEADS) return;
  }
}

/** A list that was exported once before has columns of these names. */
function namesBeside(columns: readonly string[]): string[] {
  return ["tracking_url", "direct_url"].map((name) => {
    let free = name;
    for (let count = 2; columns.includes(free); count += 1) free = `${name}_${count}`;
    return free;
  });
}
