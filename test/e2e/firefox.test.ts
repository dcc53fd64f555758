import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { badDayCases } from "./cases/bad-days.ts";
import { deliveryCases } from "./cases/delivery.ts";
import { refusalCases } from "./cases/refusals.ts";
import { sessionCases } from "./cases/sessions.ts";
import { firefox, hasFirefox, startFirefox } from "./support/firefox.ts";
import { atRest, createStage, numbers, type Stage, steps, upTo } from "./support/stage.ts";
import { until } from "./support/until.ts";

setDefaultTimeout(90_000);

const races = 100;
const closings = 5;

describe.skipIf(!hasFirefox())("in Firefox", () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await createStage(firefox);
  });
  afterEach(() => stage.tidy());
  afterAll(() => stage.close());

  deliveryCases(() => stage);
  badDayCases(() => stage);
  sessionCases(() => stage, races);
  refusalCases(() => stage);

  test("9: closing the last tab of the site, which may stop our script at any point, loses nothing either", async () => {
    const own = await startFirefox({ "dom.abort_script_on_child_shutdown": true });
    try {
      const visitor = await stage.visitor(own);
      for (let nth = 0; nth < closings; nth++) {
        const { tab } = await visitor.open();
        await tab.evaluate(`${steps(1, nth)}; 0`);
        await tab.close();
      }
      // What was stopped before it was sent goes with the next page.
      const { tab } = await visitor.open();
      await atRest(tab);
      await until("all steps", () => numbers(visitor).length >= closings);
      expect(numbers(visitor)).toEqual(upTo(closings));
    } finally {
      await stage.leaveBrowser(own);
    }
  });
});
