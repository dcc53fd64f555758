import { expect, test } from "bun:test";
import { deliveryRows } from "../../src/jobs/deliver-rows.ts";
import { destination, NOON_MS, SECRET, sampleSignal } from "../destinations/sample.ts";

const webhook = (name: string, changes: object = {}) =>
  destination({ type: "webhook", name, url: "http://crm.example/", secret: SECRET, ...changes });

/** As if a destination of this type failed while it is made. */
const unmakable = { ...webhook("broken"), type: "unmakable" } as never;

test("each destination that wants a signal gets a row, and one that fails is reported and costs no other its own", () => {
  const faults: unknown[] = [];
  const destinations = [webhook("crm"), unmakable, webhook("burning", { filter: { thresholds: ["burning"] } })];
  const rows = deliveryRows(
    // The ids of the rows are the engine's, whatever the words say.
    { signal: { signalId: 7, personId: 3 }, data: sampleSignal() },
    [...destinations, webhook("team")],
    { linkTo: null, nowMs: NOON_MS },
    { error: (event, fields) => faults.push([event, fields?.destination]) },
  );
  const known = { signalId: 7, personId: 3, createdMs: NOON_MS };
  expect(rows).toMatchObject([
    { destination: "crm", ...known },
    { destination: "team", ...known },
  ]);
  expect(faults).toEqual([["render_fault", "broken"]]);
});
