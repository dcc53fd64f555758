import { mkdtempSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A small file system of one's own, in memory. */
export type SmallDisk = {
  path: string;
  /** Leaves no room at all. */
  fill(): void;
  free(): void;
  setReadOnly(isReadOnly: boolean): void;
  [Symbol.dispose](): void;
};

function mount(...args: string[]): boolean {
  return Bun.spawnSync(["mount", ...args], { stdio: ["ignore", "ignore", "ignore"] }).exitCode === 0;
}

/** Null where mounting is not permitted, as in most containers. */
export function mountSmallDisk(sizeMb: number): SmallDisk | null {
  const path = mkdtempSync(join(tmpdir(), "do-intent-disk-"));
  if (!mount("-t", "tmpfs", "-o", `size=${sizeMb}m`, "tmpfs", path)) {
    rmSync(path, { recursive: true });
    return null;
  }
  const ballast = join(path, "ballast");
  return {
    path,
    fill: () => {
      const { bavail, bsize } = statfsSync(path);
      writeFileSync(ballast, Buffer.alloc(bavail * bsize));
    },
    free: () => rmSync(ballast),
    setReadOnly: (isReadOnly) => {
      if (!mount("-o", `remount,${isReadOnly ? "ro" : "rw"}`, path)) throw new Error(`${path} could not be remounted`);
    },
    [Symbol.dispose]: () => {
      Bun.spawnSync(["umount", "-l", path]);
      rmSync(path, { recursive: true, force: true });
    },
  };
}

/** For tests that are left out without it. */
export const canMount = ((): boolean => {
  using disk = mountSmallDisk(1);
  if (disk === null) console.warn("mounting is not permitted here: tests with a disk of their own are left out");
  return disk !== null;
})();
