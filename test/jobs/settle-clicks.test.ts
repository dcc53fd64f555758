import { expect, test } from "bun:test";
import { createClickSettler, PENDING_FOR_MS } from "../../src/jobs/settle-clicks.ts";
import { createClickStore } from "../../src/store/sqlite/clicks.ts";
import { openDatabase } from "../../src/store/sqlite/database.ts";
import { temporaryFolder } from "../support/folder.ts";

const click = (clickedMs: number, index: number, verdict: "pending" | "human" = "pending") => ({
  click: {
    clickId: null,
    campaignId: 1,
    // More than one link has room for in a day.
    linkId: `link-${index % 7}`,
    clickedMs,
    via: "redirect" as const,
    verdict,
    reason: null,
    identityId: null,
  },
});

test("what has waited for ten minutes is given up, the oldest first and in steps; the rest stays as it is", () => {
  using folder = temporaryFolder();
  const { database, close } = openDatabase(folder.path, "normal");
  const addLead = database.query(
    "insert into campaign_lead (campaign_id, link_id, columns, created_at) values (1, ?, '[]', 0)",
  );
  for (let link = 0; link < 7; link += 1) addLead.run(`link-${link}`);
  const clicks = createClickStore(database);
  const settler = createClickSettler({ clicks, now: () => 0, onFault: () => {} });
  clicks.keep(Array.from({ length: 250 }, (_, index) => click(index, index)));
  clicks.keep([click(10_000, 0), click(5, 1, "human")]);
  const counts = () =>
    Object.fromEntries(
      database
        .query<{ what: string; rows: number }, []>(
          "select verdict || coalesce(' ' || reason, '') as what, count(*) as rows from campaign_click group by 1",
        )
        .all()
        .map(({ what, rows }) => [what, rows]),
    );
  expect(settler.step(PENDING_FOR_MS + 250)).toBe(true);
  expect(counts()).toEqual({ human: 1, pending: 51, "machine no_evidence": 200 });
  expect(settler.step(PENDING_FOR_MS + 250)).toBe(false);
  expect(counts()).toEqual({ human: 1, pending: 1, "machine no_evidence": 250 });
  close();
});
