export type State = "ok" | "warn" | "fail";

/** One thing that was looked at: what it means, and what to do about it. */
export type Finding = { check: string; state: State; says: string; remedy: string | null };

export function ok(check: string, says: string): Finding {
  return { check, state: "ok", says, remedy: null };
}

/** Works for now, and will not for long or not for everybody. */
export function warn(check: string, says: string, remedy: string): Finding {
  return { check, state: "warn", says, remedy };
}

export function fail(check: string, says: string, remedy: string): Finding {
  return { check, state: "fail", says, remedy };
}

const UNITS = ["bytes", "KB", "MB", "GB", "TB"];

/** A size as people say it. */
export function sizeOf(bytes: number): string {
  const power = Math.min(UNITS.length - 1, Math.floor(Math.log(Math.max(bytes, 1)) / Math.log(1024)));
  const shown = bytes / 1024 ** power;
  return `${shown < 10 && power > 0 ? shown.toFixed(1) : Math.round(shown)} ${UNITS[power]}`;
}
