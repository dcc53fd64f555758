const UNIT_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

export const DAY_MS = UNIT_MS.d;

export const DURATION_PATTERN = /^(\d+(?:\.\d+)?)(s|m|h|d)$/;

/** Milliseconds of a duration such as "90s", "12h" or "7d"; null when it is none or not above zero. */
export function parseDurationMs(text: string): number | null {
  const match = DURATION_PATTERN.exec(text);
  if (!match) return null;
  const durationMs = Number(match[1]) * UNIT_MS[match[2] as keyof typeof UNIT_MS];
  return durationMs > 0 ? durationMs : null;
}
