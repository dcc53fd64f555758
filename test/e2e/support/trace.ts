import type { Browser } from "playwright-core";

type Event = {
  name: string;
  cat: string;
  ph: string;
  pid: number;
  tid: number;
  ts: number;
  dur?: number;
  tdur?: number;
  args?: { fileName?: string; data?: { url?: string } };
};

/** Something the browser did: `wallMs` by the clock on the wall, `cpuMs` by what its thread was at work. */
export type Slice = {
  name: string;
  category: string;
  url: string;
  startMs: number;
  wallMs: number;
  cpuMs: number;
};

/** Something the page's own thread did without a break, and all that happened in it. */
export type Task = Slice & { inside: Slice[] };

const microseconds = 1000;
// `mojom` are the calls that wait for another process of the browser.
const includedCategories = ["devtools.timeline", "disabled-by-default-devtools.timeline", "mojom"];

const toSlice = ({ name, cat, ts, dur = 0, tdur = 0, args }: Event): Slice => ({
  name,
  category: cat,
  url: args?.data?.url ?? args?.fileName ?? "",
  startMs: ts / microseconds,
  wallMs: dur / microseconds,
  cpuMs: tdur / microseconds,
});

export const isWithin = (inner: Slice, outer: Slice) =>
  inner !== outer && inner.startMs >= outer.startMs && inner.startMs + inner.wallMs <= outer.startMs + outer.wallMs;

/** Those that are in none of the others, so that nothing counts twice. */
export const outermost = (slices: readonly Slice[]): Slice[] =>
  slices.filter((slice) => !slices.some((other) => other.wallMs > slice.wallMs && isWithin(slice, other)));

export const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

/** What is in the midst of them, and so of no matter to a few that were disturbed. */
export const median = (numbers: readonly number[]): number =>
  numbers.toSorted((one, other) => one - other)[numbers.length >> 1] ?? Number.NaN;

/** The tasks of the page at this address while something is done, as the browser's own trace tells them. */
export async function tasksWhile(browser: Browser, address: string, act: () => Promise<unknown>): Promise<Task[]> {
  const session = await browser.newBrowserCDPSession();
  const events: Event[] = [];
  session.on("Tracing.dataCollected", ({ value }) => events.push(...(value as unknown as Event[])));
  const complete = new Promise((resolve) => session.once("Tracing.tracingComplete", resolve));
  await session.send("Tracing.start", { transferMode: "ReportEvents", traceConfig: { includedCategories } });
  await act();
  await session.send("Tracing.end");
  await complete;
  await session.detach();
  const whole = events.filter(({ ph }) => ph === "X");
  const ran = whole.find(
    ({ name, args }) => /^(EvaluateScript|FunctionCall)$/.test(name) && args?.data?.url === address,
  );
  const own = whole.filter(({ pid, tid }) => pid === ran?.pid && tid === ran?.tid).map(toSlice);
  return own
    .filter(({ name }) => name === "RunTask")
    .map((task) => ({ ...task, inside: own.filter((slice) => isWithin(slice, task)) }));
}
