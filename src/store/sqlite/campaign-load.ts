import type { Database } from "bun:sqlite";
import type { Campaign } from "../../core/campaign.ts";
import { AppError } from "../../core/error.ts";
import { createRenewal } from "./campaign-renewal.ts";
import { createCampaignRoom } from "./campaign-room.ts";
import { createListHeeder } from "./heed-lists.ts";
import { linkIdOf } from "./link-id.ts";
import { createSuppressions } from "./suppression.ts";

/** A row of a list, made ready outside of any transaction. */
export type LeadRow = {
  email: string;
  /** The first that the address would have; it is another one only where that is taken. */
  linkId: string;
  /** Its place in the list. */
  position: number;
  /** JSON, both. */
  traits: string;
  cells: string;
};

export type StoredRows = { stored: number; duplicates: number; suppressed: number };

export type CampaignLoad = { campaignId: number; slug: string; token: string };

/** Each of its methods holds the file for milliseconds; ingest has its turn between them. */
export type CampaignLoader = {
  /** Takes the name for a new campaign of so many bytes, once the remains of others are gone and there is room for it. */
  begin(slug: string, listBytes: number, nowMs: number): Generator<void, CampaignLoad>;
  /**
   * What a load that died left behind is taken back, in steps, or where its campaign is there already, brought to its
   * end.
   */
  sweep(nowMs: number): Generator<void, void>;
  /** Best in the order of the link ids: then the rows of a step lie beside each other, and few pages are written. */
  add(load: CampaignLoad, rows: readonly LeadRow[], nowMs: number): StoredRows;
  /** Brings what was written into the database's file, while others read and write; else their commits would have to. */
  settle(): void;
  /** Makes the campaign be there, whole. */
  finish(load: CampaignLoad, campaign: Campaign, columns: readonly string[], leadCount: number, nowMs: number): void;
  /**
   * Lets the list's word hold for the leads that were known before; a step at a time, from after a link id on. Says
   * after which the next one begins, null when it is done. Until then the load stays, and the next one goes on with it.
   */
  renew(load: CampaignLoad, afterLinkId: string, nowMs: number): string | null;
  /** Takes a load back, in steps. */
  abandon(load: CampaignLoad): Generator<void, void>;
  /** For how long the last step held the file, without the wait for it. */
  heldMs(): number;
};

export type LoaderOptions = {
  database: Database;
  secret: Buffer;
  idOf?: typeof linkIdOf;
  /** Runs in the transaction that makes the campaign be there. */
  onFinish?: (campaignId: number, leadCount: number, nowMs: number) => void;
};

/** A load tells with every step that it lives. */
const LOAD_DEAD_MS = 30_000;
const REMOVE_ROWS = 200;
/** Two addresses share a link id once in 10^14; so many in a row share none but by a fault of ours. */
const ATTEMPTS_MAX = 20;

export const CAMPAIGN_LOAD_SQL = {
  campaign: "select 1 from campaign where slug = ?",
  load: "select campaign_id as campaignId, slug, token, beaten_at as beatenMs from campaign_load where slug = ?",
  /** There are as many as loads at work and dead: a handful. */
  dead: "select campaign_id as campaignId, slug from campaign_load where beaten_at < ?",
  claim: "update campaign_load set token = ?, beaten_at = ? where campaign_id = ? and token = ?",
  seize: "update campaign_load set token = ?, beaten_at = ? where campaign_id = ? and beaten_at < ?",
  /** Whose campaign is there can no more be taken back. */
  unfinished: `select 1 from campaign_load where campaign_id = ?1 and token = ?2
    and not exists (select 1 from campaign where campaign_id = ?1)`,
  campaignOf: "select 1 from campaign where campaign_id = ?",
  nextId: `select 1 + max(ifnull((select max(campaign_id) from campaign), 0),
    ifnull((select max(campaign_id) from campaign_load), 0)) as campaignId`,
  insertLoad: "insert into campaign_load (campaign_id, slug, token, beaten_at) values (?, ?, ?, ?)",
  removeLoad: "delete from campaign_load where campaign_id = ? and token = ?",
  insertCampaign: `insert into campaign (campaign_id, slug, name, base_url, landing, utm, columns, lead_count, created_at)
    values (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  lead: "select link_id as linkId from lead where email = ?",
  insertLead:
    "insert into lead (link_id, email, traits, created_at) values (?, ?, ?, ?) on conflict (link_id) do nothing",
  insertRow: `insert into campaign_lead (campaign_id, link_id, columns, position, created_at) values (?, ?, ?, ?, ?)
    on conflict (campaign_id, link_id) do nothing`,
  row: "select columns from campaign_lead where campaign_id = ? and link_id = ?",
  updateRow: "update campaign_lead set columns = ? where campaign_id = ? and link_id = ?",
  someRows: "select link_id as linkId from campaign_lead where campaign_id = ? limit ?",
  removeRow: "delete from campaign_lead where campaign_id = ? and link_id = ?",
  /** Whoever stands on no other list was never written to. */
  removeLead: `delete from lead where link_id = ?1
    and not exists (select 1 from campaign_lead where campaign_lead.link_id = ?1)`,
} as const;

/**
 * Stores a campaign's list in short transactions, on any connection. A load has a token, so that one that was taken for
 * dead and wakes up finds out before it writes.
 */
export function createCampaignLoader({ database, secret, idOf = linkIdOf, onFinish }: LoaderOptions): CampaignLoader {
  const sql = CAMPAIGN_LOAD_SQL;
  const writerOf = createRowWriter(database, secret, idOf);
  let heldMs = 0;
  const inTurn = <Result>(work: () => Result): Result => {
    let heldSince = performance.now();
    const result = database
      .transaction(() => {
        heldSince = performance.now();
        return work();
      })
      .immediate();
    heldMs = performance.now() - heldSince;
    return result;
  };
  const room = createCampaignRoom(database);
  const removeRows = createRemover(database, inTurn);
  const remove: CampaignLoader["abandon"] = function* (load) {
    room.free(load.campaignId);
    yield* removeRows(load);
  };
  const renewalStep = createRenewal(database);
  const beat = ({ campaignId, token }: CampaignLoad, nowMs: number): void => {
    if (database.query(sql.claim).run(token, nowMs, campaignId, token).changes > 0) return;
    throw new AppError("conflict", "this load was taken for dead, since it rested too long; start it again");
  };
  const selectDead = database.query<{ campaignId: number; slug: string }, [number]>(sql.dead);
  const seizeDead = (nowMs: number): CampaignLoad[] => {
    const isDead = nowMs - LOAD_DEAD_MS;
    const dead = selectDead.all(isDead);
    if (dead.length === 0) return [];
    // On a full disk not even that could be written.
    for (const { campaignId } of dead) room.free(campaignId);
    const token = crypto.randomUUID();
    return inTurn(() =>
      dead.flatMap((load) => {
        const { changes } = database.query(sql.seize).run(token, nowMs, load.campaignId, isDead);
        return changes > 0 ? [{ ...load, token }] : [];
      }),
    );
  };
  const claimName = (slug: string, nowMs: number): CampaignLoad =>
    inTurn(() => {
      if (database.query(sql.campaign).get(slug) !== null)
        throw new AppError("conflict", "there is a campaign of this name already; choose another", "name");
      if (database.query(sql.load).get(slug) !== null) {
        const remedy = `wait for it; if it died, try again ${LOAD_DEAD_MS / 1_000} seconds after its last sign of life`;
        throw new AppError("conflict", `a campaign of this name is being made; ${remedy}`, "name");
      }
      const found = database.query<{ campaignId: number }, []>(sql.nextId).get();
      if (found === null) throw new Error("there is a next id");
      const token = crypto.randomUUID();
      database.query(sql.insertLoad).run(found.campaignId, slug, token, nowMs);
      return { campaignId: found.campaignId, slug, token };
    });
  const renew: CampaignLoader["renew"] = (load, afterLinkId, nowMs) => {
    const { write, next } = renewalStep(load.campaignId, afterLinkId);
    inTurn(() => {
      beat(load, nowMs);
      write();
      if (next === null) database.query(sql.removeLoad).run(load.campaignId, load.token);
    });
    return next;
  };
  const isFinished = database.query<unknown, [number]>(sql.campaignOf);
  const sweep: CampaignLoader["sweep"] = function* (nowMs) {
    for (const dead of seizeDead(nowMs)) {
      if (isFinished.get(dead.campaignId) === null) yield* remove(dead);
      else for (let after: string | null = ""; after !== null; yield) after = renew(dead, after, nowMs);
    }
  };
  return {
    begin: function* (slug, listBytes, nowMs) {
      yield* sweep(nowMs);
      room.require(listBytes);
      const load = claimName(slug, nowMs);
      try {
        room.keep(load.campaignId);
      } catch (error) {
        yield* remove(load);
        throw error;
      }
      return load;
    },
    sweep,
    settle: () => void database.run("pragma wal_checkpoint(passive)"),
    add: (load, rows, nowMs) => {
      const write = writerOf(rows);
      return inTurn(() => {
        beat(load, nowMs);
        return write(load.campaignId, nowMs);
      });
    },
    finish: (load, { slug, name, baseUrl, landing, utm }, columns, leadCount, nowMs) => {
      room.free(load.campaignId);
      inTurn(() => {
        beat(load, nowMs);
        const [utmText, columnsText] = [JSON.stringify(utm), JSON.stringify(columns)];
        database
          .query(sql.insertCampaign)
          .run(load.campaignId, slug, name, baseUrl, landing, utmText, columnsText, leadCount, nowMs);
        onFinish?.(load.campaignId, leadCount, nowMs);
      });
    },
    renew,
    abandon: remove,
    heldMs: () => heldMs,
  };
}

function createRemover(
  database: Database,
  inTurn: (work: () => boolean) => boolean,
): (load: CampaignLoad) => Generator<void, void> {
  const sql = CAMPAIGN_LOAD_SQL;
  const selectSome = database.query<{ linkId: string }, [number, number]>(sql.someRows);
  const selectUnfinished = database.query<unknown, [number, string]>(sql.unfinished);
  const removeRow = database.query(sql.removeRow);
  const removeLead = database.query(sql.removeLead);
  const removeLoad = database.query(sql.removeLoad);
  const step = ({ campaignId, token }: CampaignLoad): boolean => {
    // The number may be another campaign's by now.
    if (selectUnfinished.get(campaignId, token) === null) return false;
    const some = selectSome.all(campaignId, REMOVE_ROWS);
    for (const { linkId } of some) {
      removeRow.run(campaignId, linkId);
      removeLead.run(linkId);
    }
    if (some.length === REMOVE_ROWS) return true;
    removeLoad.run(campaignId, token);
    return false;
  };
  return function* (load) {
    while (inTurn(() => step(load))) yield;
  };
}

function createRowWriter(database: Database, secret: Buffer, idOf: typeof linkIdOf) {
  const sql = CAMPAIGN_LOAD_SQL;
  const selectLead = database.query<{ linkId: string }, [string]>(sql.lead);
  const insertLead = database.query(sql.insertLead);
  const insertRow = database.query(sql.insertRow);
  const selectRow = database.query<{ columns: string }, [number, string]>(sql.row);
  const updateRow = database.query(sql.updateRow);
  const suppressions = createSuppressions(database);
  const heederOf = createListHeeder(suppressions);

  const addLead = ({ email, linkId, traits }: LeadRow, nowMs: number): string => {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
      const id = attempt === 0 ? linkId : idOf(secret, email, attempt);
      if (insertLead.run(id, email, traits, nowMs).changes > 0) return id;
    }
    throw new Error("every link id of an address is taken");
  };
  /** The list names the lead once more: its first row holds, and blanks in it are filled. */
  const fold = (campaignId: number, linkId: string, { cells }: LeadRow): void => {
    const row = selectRow.get(campaignId, linkId);
    if (row === null) throw new Error("a duplicate has a row");
    const [first, later] = [JSON.parse(row.columns) as string[], JSON.parse(cells) as string[]];
    const folded = JSON.stringify(first.map((cell, index) => (cell.trim() === "" ? (later[index] ?? "") : cell)));
    if (folded !== row.columns) updateRow.run(folded, campaignId, linkId);
  };
  /** Reads the cells at once, before the file is held; writes when it is called. */
  return (rows: readonly LeadRow[]) => {
    const heeders = rows.map(heederOf);
    return (campaignId: number, nowMs: number): StoredRows => {
      const count: StoredRows = { stored: 0, duplicates: 0, suppressed: 0 };
      for (const heeded of heeders) {
        const row = heeded();
        if (suppressions.isSuppressed({ kind: "email", value: row.email })) {
          count.suppressed += 1;
          continue;
        }
        const found = selectLead.get(row.email);
        const linkId = found?.linkId ?? addLead(row, nowMs);
        if (insertRow.run(campaignId, linkId, row.cells, row.position, nowMs).changes > 0) {
          count.stored += 1;
          continue;
        }
        count.duplicates += 1;
        fold(campaignId, linkId, row);
      }
      return count;
    };
  };
}
