import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { isWithin, median, outermost, type Slice, sum, tasksWhile } from "./support/trace.ts";
import { createWorld, until, type World } from "./support/world.ts";

setDefaultTimeout(180_000);

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

const longMs = 5;
const visits = 15;

/** What the tracker did in one task, between whatever else the browser did in it. */
type Part = { slices: Slice[]; waits: Slice[]; wallMs: number };

/** Every task of a first visit that runs a script; the page has none but the tracker. */
async function firstVisit(): Promise<Part[]> {
  const { page, events, context } = await world.visitor();
  const path = world.page("<p>hello</p>");
  const tasks = await tasksWhile(world.browser, `${world.endpoint}/s.js`, async () => {
    await page.goto(world.site + path);
    await until("the view", () => events("page_view").length);
    // The answer to it, and the observers.
    await page.waitForLoadState("networkidle");
  });
  await context.close();
  return tasks.flatMap(({ inside, wallMs }) => {
    const slices = outermost(inside.filter(({ name }) => /^(EvaluateScript|FunctionCall|RunMicrotasks)$/.test(name)));
    const waits = inside.filter((slice) => slice.category === "mojom" && slices.some((ours) => isWithin(slice, ours)));
    return slices.length ? [{ slices, waits, wallMs }] : [];
  });
}

const workMs = ({ slices }: Part) => sum(slices.map(({ cpuMs }) => cpuMs));

/** How long the page was held up: at work, or waiting for another process; not how long others had the processor. */
const heldMs = (part: Part) => workMs(part) + sum(part.waits.map(({ wallMs, cpuMs }) => wallMs - cpuMs));

test("no task of the start is over 5 ms, and none waits twice for another process of the browser", async () => {
  const longest = { wall: [] as number[], held: [] as number[], work: [] as number[] };
  for (let visit = 0; visit < visits; visit++) {
    const parts = await firstVisit();
    // The script, what begins, the view, the observers, the session, what is sent.
    expect(parts.length).toBeGreaterThan(5);
    const waits = parts.map((part) => part.waits.map(({ name }) => name));
    // The store, what is in it, the cookies: somewhere it does wait.
    expect(waits.flat().length).toBeGreaterThan(2);
    expect(waits.filter(({ length }) => length > 1)).toEqual([]);
    longest.wall.push(Math.max(...parts.map(({ wallMs }) => wallMs)));
    longest.held.push(Math.max(...parts.map(heldMs)));
    longest.work.push(Math.max(...parts.map(workMs)));
  }
  const told = Object.entries(longest).map(
    ([name, ms]) => `${name} ${median(ms).toFixed(1)} (${Math.min(...ms).toFixed(1)} to ${Math.max(...ms).toFixed(1)})`,
  );
  console.log(`longest task of the tracker's start, of ${visits} first visits, in ms: ${told.join(", ")}`);
  expect(Math.max(...longest.work)).toBeLessThanOrEqual(longMs);
  expect(median(longest.held)).toBeLessThanOrEqual(longMs);
});
