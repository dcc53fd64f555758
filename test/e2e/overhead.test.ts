import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { CDPSession, Page } from "playwright-core";
import { createWorld, until, type World } from "./support/world.ts";

setDefaultTimeout(120_000);

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

const overheadMax = 0.05;
const pairs = 21;

const links = Array.from({ length: 500 }, (_, n) => `<p><a href="#${n}">link ${n}</a> with words around it</p>`).join(
  "",
);
// 60,000 changes to the page and 40 jumps of the scroll bar, over 40 frames.
const work = `window.work = () => new Promise((done) => {
  const box = document.getElementById("box");
  let frame = 0;
  const step = () => {
    for (let n = 0; n < 750; n++) { const line = document.createElement("i"); line.textContent = n; box.append(line); }
    while (box.firstChild) box.firstChild.remove();
    scrollTo(0, (frame * 997) % 12000);
    if (++frame < 40) requestAnimationFrame(step); else done();
  };
  step();
})`;

async function open(path: string, tracked: boolean): Promise<{ page: Page; session: CDPSession }> {
  const { page, context, events } = await world.visitor();
  const session = await context.newCDPSession(page);
  // The time the page's own thread was at work, not the time that others on this machine made it wait.
  await session.send("Performance.setTimeDomain", { timeDomain: "threadTicks" });
  await session.send("Performance.enable");
  await page.goto(world.site + path);
  if (tracked) await until("the view", () => events("page_view").length);
  return { page, session };
}

/** How long the page was at work while it did this, in seconds. */
async function busy({ page, session }: { page: Page; session: CDPSession }): Promise<number> {
  const taken = async () => {
    const { metrics } = await session.send("Performance.getMetrics");
    return metrics.find(({ name }) => name === "TaskDuration")?.value ?? 0;
  };
  const before = await taken();
  await page.evaluate("work()");
  return (await taken()) - before;
}

test("28: 500 links, 60,000 mutations and fast scrolling cost at most 5 % more with the tracker", async () => {
  const body = `<div id="box"></div>${links}<script>${work}</script>`;
  const plain = await open(world.page(body, ""), false);
  const tracked = await open(world.page(body), true);
  const ratios: number[] = [];
  // In pairs, one right after the other and each first in turn: what else the machine does meets both alike.
  for (let pair = 0; pair < pairs; pair++) {
    const order = pair % 2 ? [plain, tracked] : [tracked, plain];
    const taken = new Map<object, number>();
    for (const page of order) taken.set(page, await busy(page));
    ratios.push((taken.get(tracked) ?? 0) / (taken.get(plain) ?? 1) - 1);
  }
  const sorted = ratios.sort((one, other) => one - other);
  const at = (share: number) => sorted[Math.floor((pairs - 1) * share)] ?? 0;
  const percent = (share: number) => (at(share) * 100).toFixed(1);
  console.log(
    `overhead of the tracker, of ${pairs} pairs: median ${percent(0.5)} %, half within ${percent(0.25)} and ${percent(0.75)} %`,
  );
  // On a busy machine a single pair may be off by a third: it is too much when three in four pairs say so.
  expect(at(0.25)).toBeLessThanOrEqual(overheadMax);
});
