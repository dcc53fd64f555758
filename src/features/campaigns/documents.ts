import { documented } from "../../http/document.ts";
import {
  campaignBodySchema,
  campaignsQuerySchema,
  createQuerySchema,
  exportQuerySchema,
  leadsQuerySchema,
} from "./schema.ts";

const topic = "Campaigns";
const CAMPAIGN = { id: "the campaign's id or slug" };

export const CREATE = documented({
  topic,
  summary: "Makes a link for everybody on a list",
  access: "admin",
  query: createQuerySchema,
  body: [
    { type: "text/csv", description: "a list with a column of e-mail addresses; the rest stands in the address" },
    { type: "application/json", schema: campaignBodySchema },
  ],
  answer: { description: "the campaign, how many leads it has, and which rows were refused" },
});

export const LIST = documented({
  topic,
  summary: "Every campaign, the latest first",
  access: "read",
  query: campaignsQuerySchema,
  answer: { description: "campaigns and next_cursor" },
});

export const ONE = documented({
  topic,
  summary: "What came of a campaign",
  access: "read",
  path: CAMPAIGN,
  answer: { description: "how many were sent, clicked, identified and converted, by level and by day" },
});

export const LEADS = documented({
  topic,
  summary: "The leads of a campaign, and how far each got",
  access: "read",
  path: CAMPAIGN,
  query: leadsQuerySchema,
  answer: { description: "leads and next_cursor" },
});

export const EXPORT = documented({
  topic,
  summary: "The list with its links",
  access: "read",
  path: CAMPAIGN,
  query: exportQuerySchema,
  answer: { type: "text/csv", description: "the columns of the list, then tracking_url and direct_url" },
});
