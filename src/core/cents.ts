/** Hundredths that add up to the total's: rounded down, and what is missing goes to those who lost most. */
export function centsOf(points: readonly number[], total: number): number[] {
  // A sum of doubles may lie a hair below the hundredth it means.
  const exact = points.map((value) => Number((value * 100).toFixed(6)));
  const cents = exact.map(Math.floor);
  const missing = Math.round(total * 100) - cents.reduce((sum, value) => sum + value, 0);
  const byLoss = exact
    .map((value, index) => ({ index, loss: value - Math.floor(value) }))
    .sort((a, b) => b.loss - a.loss || a.index - b.index);
  for (const { index } of byLoss.slice(0, Math.max(0, missing))) cents[index] = (cents[index] ?? 0) + 1;
  return cents;
}

export function amount(cents: number): string {
  return ((cents === 0 ? 0 : cents) / 100).toFixed(2);
}

export function heldTo(max: number): string {
  return `held to ${Number(max.toFixed(2))}`;
}
