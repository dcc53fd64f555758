import { sql } from "drizzle-orm";
import { index, integer, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";

export const apiKey = sqliteTable(
  "api_key",
  {
    keyId: integer("key_id").primaryKey(),
    kind: text("kind").notNull(),
    /** SHA-256 of the key, hex. */
    hash: text("hash").notNull(),
    /** The key itself, for write keys only: they stand in every page's source anyway. */
    publicValue: text("public_value"),
    createdMs: integer("created_at").notNull(),
    revokedMs: integer("revoked_at"),
    /** What the operator calls it. */
    name: text("name"),
    /** Of a secret key: ingest, read and admin, separated by commas. */
    scopes: text("scopes").notNull().default("ingest,read,admin"),
    lastUsedMs: integer("last_used_at"),
  },
  (table) => [uniqueIndex("api_key_by_hash").on(table.hash)],
);

/** One row: what this instance signs links and hashes suppressed identifiers with. It goes along with every backup. */
export const instanceSecret = sqliteTable("instance_secret", {
  instanceSecretId: integer("instance_secret_id").primaryKey(),
  secret: text("secret").notNull(),
  createdMs: integer("created_at").notNull(),
});

/** A do-not-process entry: an identifier of somebody who was erased, as a keyed hash. */
export const suppression = sqliteTable("suppression", {
  hash: text("hash").primaryKey(),
  suppressedMs: integer("suppressed_at").notNull(),
});

/** Who read or changed what with a key. */
export const audit = sqliteTable(
  "audit",
  {
    auditId: integer("audit_id").primaryKey(),
    occurredMs: integer("occurred_at").notNull(),
    /** The key that did it, or "command line". */
    keyId: text("key_id").notNull(),
    action: text("action").notNull(),
    /** An id of ours, never an identifier. */
    subject: text("subject"),
    /** JSON: counts and settings, nothing personal. */
    detail: text("detail"),
  },
  (table) => [index("audit_by_subject").on(table.subject, table.auditId).where(sql`subject is not null`)],
);

/** How far back the stored events go where older ones were swept; without a row nothing ever was. */
export const retention = sqliteTable("retention", {
  /** The table that was swept. */
  swept: text("swept").primaryKey(),
  /** What was received before this time is gone. */
  beforeMs: integer("before_at").notNull(),
});
