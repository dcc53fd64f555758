import { closeSync, existsSync, openSync, readFileSync, renameSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensureProgram } from "./program.ts";

/** As the system numbers them. */
export const EIO = 5;
export const ENOSPC = 28;
export const EROFS = 30;

export type Faults = {
  clockOffsetMs?: number;
  writeErrno?: number;
  syncErrno?: number;
  readErrno?: number;
  /** Only each so-manieth call fails. */
  every?: number;
};

/** Stands between one program and the system; `faults` replaces all that was set before. */
export type Shim = { env: { [variable: string]: string }; set(faults: Faults): void; [Symbol.dispose](): void };

const CONTROL_BYTES = 24;
const SOURCE = join(import.meta.dir, "shim.c");

/** Compiles the shim when it is not there yet; throws where there is no compiler and none can be installed. */
function compile(): string {
  const hash = new Bun.CryptoHasher("sha256").update(readFileSync(SOURCE)).digest("hex");
  const library = join(tmpdir(), `do-intent-shim-${hash.slice(0, 16)}.so`);
  if (existsSync(library)) return library;
  ensureProgram("gcc");
  const made = Bun.spawnSync([
    "gcc",
    "-shared",
    "-fPIC",
    "-O1",
    "-nostdlib",
    "-o",
    `${library}.${process.pid}`,
    SOURCE,
  ]);
  if (made.exitCode !== 0) throw new Error(`the shim could not be compiled: ${made.stderr}`);
  renameSync(`${library}.${process.pid}`, library);
  return library;
}

export function openShim(folder: string): Shim {
  const path = join(folder, "shim.control");
  writeFileSync(path, Buffer.alloc(CONTROL_BYTES));
  const file = openSync(path, "r+");
  const set = ({ clockOffsetMs = 0, writeErrno = 0, syncErrno = 0, readErrno = 0, every = 1 }: Faults): void => {
    const control = Buffer.alloc(CONTROL_BYTES);
    control.writeBigInt64LE(BigInt(clockOffsetMs), 0);
    for (const [index, value] of [writeErrno, syncErrno, readErrno, every].entries()) {
      control.writeInt32LE(value, 8 + index * 4);
    }
    writeSync(file, control, 0, CONTROL_BYTES, 0);
  };
  return {
    env: { LD_PRELOAD: compile(), SHIM_CONTROL: path },
    set,
    [Symbol.dispose]: () => closeSync(file),
  };
}
