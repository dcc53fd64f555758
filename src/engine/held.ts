/** A backup, a list or the command line may hold the file for a moment; the event loop goes on meanwhile. */
export const BUSY_WAIT_MS = 50;
export const BUSY_WAITS_MAX = 100;

/** Somebody else holds the file. */
export function isHeld(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "SQLITE_BUSY";
}

/** Runs work that leaves nothing behind when it finds the file held, again and again for some seconds. */
export async function onceFree<Result>(work: () => Result): Promise<Result> {
  for (let waits = 0; ; waits += 1) {
    try {
      return work();
    } catch (error) {
      if (!isHeld(error) || waits >= BUSY_WAITS_MAX) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, BUSY_WAIT_MS));
  }
}
