/** Below it a number means seconds: as milliseconds it would lie before March 1973. */
const SECONDS_BELOW = 100_000_000_000;
const ISO_PATTERN = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?)?$/;

/** Seconds, milliseconds or ISO 8601 (UTC unless it says otherwise) as milliseconds; null when it is none of them. */
export function parseTimeMs(value: number | string): number | null {
  if (typeof value === "number") {
    if (!Number.isFinite(value) || value < 0) return null;
    return Math.round(value < SECONDS_BELOW ? value * 1_000 : value);
  }
  if (!ISO_PATTERN.test(value)) return null;
  const hasZone = /(Z|[+-]\d{2}:?\d{2})$/.test(value) || value.length === 10;
  const timeMs = Date.parse(hasZone ? value : `${value}Z`);
  return Number.isNaN(timeMs) ? null : timeMs;
}

/** When something happened by our clock: a browser's clock that runs wrong shows in `sentMs`; the future is now. */
export function correctedTimeMs(saidMs: number | null, sentMs: number | null, nowMs: number): number {
  if (saidMs === null) return nowMs;
  const correctedMs = sentMs === null ? saidMs : saidMs + (nowMs - sentMs);
  return Math.max(0, Math.min(correctedMs, nowMs));
}
