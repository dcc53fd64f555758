import { sql } from "drizzle-orm";
import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";

/** A list of people who were written to, and where its links lead. */
export const campaign = sqliteTable(
  "campaign",
  {
    campaignId: integer("campaign_id").primaryKey(),
    /** The name as it stands in addresses. */
    slug: text("slug").notNull(),
    name: text("name").notNull(),
    baseUrl: text("base_url").notNull(),
    landing: text("landing").notNull(),
    /** JSON: parameter to value. */
    utm: text("utm").notNull(),
    /** JSON: the names of the list's columns, in its order. */
    columns: text("columns").notNull().default("[]"),
    /** How many leads the list came to, whoever of them was erased since. */
    leadCount: integer("lead_count").notNull().default(0),
    createdMs: integer("created_at").notNull(),
  },
  (table) => [uniqueIndex("campaign_by_slug").on(table.slug)],
);

/**
 * A campaign whose list is being stored, in many short transactions. The campaign itself comes with the last of them, so
 * that there is never half of one; a load that nobody goes on with is taken back by the next.
 */
export const campaignLoad = sqliteTable(
  "campaign_load",
  {
    campaignId: integer("campaign_id").primaryKey(),
    slug: text("slug").notNull(),
    /** Who loads: whoever finds another token here was taken for dead. */
    token: text("token").notNull(),
    beatenMs: integer("beaten_at").notNull(),
  },
  (table) => [uniqueIndex("campaign_load_by_slug").on(table.slug)],
);

/** Somebody who can be written to; the link id is the same in every campaign. Becomes a person with the first click. */
export const lead = sqliteTable(
  "lead",
  {
    linkId: text("link_id").primaryKey(),
    email: text("email").notNull(),
    /** JSON: what the operator's lists say. */
    traits: text("traits").notNull(),
    createdMs: integer("created_at").notNull(),
  },
  (table) => [uniqueIndex("lead_by_email").on(table.email)],
);

/** The migration adds WITHOUT ROWID by hand, as for sessions. */
export const campaignLead = sqliteTable(
  "campaign_lead",
  {
    campaignId: integer("campaign_id").notNull(),
    linkId: text("link_id").notNull(),
    /** JSON: the row of the list as it came, for the export. */
    columns: text("columns").notNull(),
    /** Its place in the list, so that what comes out is in the order of what came in. */
    position: integer("position").notNull().default(0),
    createdMs: integer("created_at").notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.campaignId, table.linkId] }),
    index("campaign_lead_by_link").on(table.linkId),
    index("campaign_lead_by_position").on(table.campaignId, table.position),
  ],
);

/** Somebody, or something, followed a lead's link. */
export const campaignClick = sqliteTable(
  "campaign_click",
  {
    clickId: integer("click_id").primaryKey(),
    campaignId: integer("campaign_id").notNull(),
    linkId: text("link_id").notNull(),
    clickedMs: integer("clicked_at").notNull(),
    /** redirect or direct. */
    via: text("via").notNull(),
    /** pending until there is evidence, then human or machine. */
    verdict: text("verdict").notNull(),
    /** Why it is taken for a machine's. */
    reason: text("reason"),
    /** The visitor who gave the evidence. */
    identityId: integer("identity_id"),
    /** How many openings of the day this row stands for: a link has so many rows a day, what comes beyond is counted. */
    times: integer("times").notNull().default(1),
  },
  (table) => [
    index("campaign_click_by_campaign").on(table.campaignId, table.clickedMs),
    index("campaign_click_by_link").on(table.linkId, table.clickedMs),
    // For whoever is erased: their browser may have followed other people's links.
    index("campaign_click_by_identity").on(table.identityId).where(sql`identity_id is not null`),
    index("campaign_click_pending").on(table.clickedMs).where(sql`verdict = 'pending'`),
  ],
);
