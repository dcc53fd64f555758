import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { median, sum, type Task, tasksWhile } from "./support/trace.ts";
import { createWorld, until, type World } from "./support/world.ts";

setDefaultTimeout(180_000);

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

const longMs = 5;
const visits = 25;

/** The tasks of a first visit that run a script; the page has none but the tracker. */
async function firstVisit(): Promise<Task[]> {
  const { page, events, context } = await world.visitor();
  const path = world.page("<p>hello</p>");
  const tasks = await tasksWhile(world.browser, `${world.endpoint}/s.js`, async () => {
    await page.goto(world.site + path);
    await until("the view", () => events("page_view").length);
    // The answer to it, and the observers.
    await page.waitForLoadState("networkidle");
  });
  await context.close();
  return tasks.filter(({ inside }) =>
    inside.some(({ name }) => /^(EvaluateScript|FunctionCall|TimerFire|RunMicrotasks)$/.test(name)),
  );
}

const waitsOf = ({ inside }: Task) => inside.filter(({ category }) => category === "mojom");

/** How long the page was held up: at work, or waiting for another process; not how long others had the processor. */
const heldMs = (task: Task) => task.cpuMs + sum(waitsOf(task).map(({ wallMs, cpuMs }) => wallMs - cpuMs));

test("no task of the start is over 5 ms, and none waits twice for another process of the browser", async () => {
  const longest = { wall: [] as number[], held: [] as number[], work: [] as number[] };
  for (let visit = 0; visit < visits; visit++) {
    const tasks = await firstVisit();
    // The script, what begins, the view, the observers, the session, what is sent.
    expect(tasks.length).toBeGreaterThan(5);
    const waits = tasks.map((task) => waitsOf(task).map(({ name }) => name));
    // The store, what is in it, the cookies: somewhere it does wait.
    expect(waits.flat().length).toBeGreaterThan(2);
    expect(waits.filter(({ length }) => length > 1)).toEqual([]);
    longest.wall.push(Math.max(...tasks.map(({ wallMs }) => wallMs)));
    longest.held.push(Math.max(...tasks.map(heldMs)));
    longest.work.push(Math.max(...tasks.map(({ cpuMs }) => cpuMs)));
  }
  const told = Object.entries(longest).map(
    ([name, ms]) => `${name} ${median(ms).toFixed(1)} (${Math.min(...ms).toFixed(1)} to ${Math.max(...ms).toFixed(1)})`,
  );
  console.log(`longest task of the tracker's start, of ${visits} first visits, in ms: ${told.join(", ")}`);
  expect(Math.max(...longest.work)).toBeLessThanOrEqual(longMs);
  expect(median(longest.held)).toBeLessThanOrEqual(longMs);
});
