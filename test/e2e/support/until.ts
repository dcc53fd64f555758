const patienceMs = 15_000;
const pollMs = 25;

export async function until<Result>(what: string, check: () => Result | Promise<Result>, waitMs = patienceMs) {
  const endMs = performance.now() + waitMs;
  for (;;) {
    const result = await check();
    if (result) return result as Exclude<Result, false | undefined | null | 0>;
    if (performance.now() > endMs) throw new Error(`waited in vain: ${what}`);
    await Bun.sleep(pollMs);
  }
}
