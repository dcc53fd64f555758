import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { median, outermost, sum, tasksWhile } from "./support/trace.ts";
import { createWorld, until, type World } from "./support/world.ts";

setDefaultTimeout(240_000);

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

const overheadMax = 0.05;
const pairs = 3;

const links = Array.from({ length: 500 }, (_, n) => `<p><a href="#${n}">link ${n}</a> with words around it</p>`).join(
  "",
);
// 60,000 changes to the page and 300 jumps of the scroll bar, over 300 frames.
const work = `window.work = () => new Promise((done) => {
  const box = document.getElementById("box");
  let frame = 0;
  const step = () => {
    for (let n = 0; n < 100; n++) { const line = document.createElement("i"); line.textContent = n; box.append(line); }
    while (box.firstChild) box.firstChild.remove();
    scrollTo(0, (frame * 997) % 12000);
    if (++frame < 300) requestAnimationFrame(step); else done();
  };
  step();
})`;
const body = `<div id="box"></div>${links}<script>${work}</script>`;

/** What a first visit costs the page's own thread, by the time that it was at work, whatever else the machine does. */
async function visit(tracked: boolean) {
  const { page, context, events } = await world.visitor();
  const path = tracked ? world.page(body) : world.page(body, "");
  await page.goto(world.site + path);
  if (tracked) await until("the view", () => events("page_view").length);
  const tasks = await tasksWhile(world.browser, world.site + path, async () => {
    await page.evaluate("work()");
    if (tracked) await until("how deep it went", () => events("scroll_depth").length > 1);
  });
  await context.close();
  const slices = tasks.flatMap(({ inside }) => inside);
  const cost = (some: typeof slices) => sum(some.map(({ cpuMs }) => cpuMs));
  return {
    totalMs: cost(tasks),
    // The same on every page, so what it takes tells how fast the machine is at this moment.
    paintMs: cost(slices.filter(({ name }) => /^(Paint|PrePaint|Commit|UpdateLayoutTree)$/.test(name))),
    trackerMs: cost(outermost(slices.filter(({ url }) => url.startsWith(world.endpoint)))),
  };
}

type Visit = Awaited<ReturnType<typeof visit>>;

test("28: 500 links, 60,000 mutations and fast scrolling cost at most 5 % more with the tracker", async () => {
  const plain: Visit[] = [];
  const tracked: Visit[] = [];
  for (let pair = 0; pair < pairs; pair++) {
    plain.push(await visit(false));
    tracked.push(await visit(true));
  }
  const perPaint = (visits: Visit[]) => median(visits.map(({ totalMs, paintMs }) => totalMs / paintMs));
  const overhead = perPaint(tracked) / perPaint(plain) - 1;
  const shares = tracked.map(({ trackerMs, totalMs }) => trackerMs / totalMs);
  const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
  const ms = (visits: Visit[], what: keyof Visit) => median(visits.map((each) => each[what])).toFixed(0);
  console.log(
    `the page is at work for ${ms(plain, "totalMs")} ms, with the tracker for ${ms(tracked, "totalMs")} ms, of ${pairs} visits each; ` +
      `by the same paint ${percent(overhead)} more; in the tracker's own functions ${ms(tracked, "trackerMs")} ms, ` +
      `${percent(Math.min(...shares))} to ${percent(Math.max(...shares))}`,
  );
  // It is the tracker that was measured: it heard of the scrolling and told of it.
  expect(Math.min(...shares)).toBeGreaterThan(0);
  expect(Math.max(...shares)).toBeLessThanOrEqual(overheadMax);
  expect(overhead).toBeLessThanOrEqual(overheadMax);
});
