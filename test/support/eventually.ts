const POLL_MS = 10;
/** Only ever reached by what would never happen. */
const DEADLINE_MS = 30_000;

/** Waits until something is there; `what` is told when it never comes. */
export async function eventually<Value>(look: () => Value | null | undefined | false, what: string): Promise<Value> {
  const deadline = Date.now() + DEADLINE_MS;
  for (;;) {
    const found = look();
    if (found !== null && found !== undefined && found !== false) return found;
    if (Date.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await Bun.sleep(POLL_MS);
  }
}
