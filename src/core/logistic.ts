const STEPS_MAX = 50;
const CONVERGED_BELOW = 1e-9;
/** Pulls weights towards nothing, in standard deviations: what few people show must not become a mountain. */
const RIDGE = 1;

/** log-odds = intercept + Σ weight · feature; `error` is the standard error of a weight. */
export type Fit = { intercept: number; weights: { weight: number; error: number; deviation: number }[] };

/** Logistic regression by Newton's method, on features brought to the same scale, with a little ridge. */
export function fitLogistic(rows: readonly (readonly number[])[], labels: readonly boolean[]): Fit {
  const width = rows[0]?.length ?? 0;
  const means = columns(width, (column) => mean(rows, (row) => row[column] ?? 0));
  const deviations = columns(width, (column) =>
    Math.sqrt(mean(rows, (row) => ((row[column] ?? 0) - (means[column] ?? 0)) ** 2)),
  );
  const scaled = rows.map((row) => [
    1,
    ...row.map((value, column) => {
      const deviation = deviations[column] ?? 0;
      return deviation === 0 ? 0 : (value - (means[column] ?? 0)) / deviation;
    }),
  ]);
  const { solution, covariance } = newton(scaled, labels, width + 1);
  const weights = columns(width, (column) => {
    const deviation = deviations[column] ?? 0;
    if (deviation === 0) return { weight: 0, error: 0, deviation };
    const error = Math.sqrt(covariance[column + 1]?.[column + 1] ?? 0);
    return { weight: (solution[column + 1] ?? 0) / deviation, error: error / deviation, deviation };
  });
  const shift = weights.reduce((sum, { weight }, column) => sum + weight * (means[column] ?? 0), 0);
  return { intercept: (solution[0] ?? 0) - shift, weights };
}

function newton(rows: readonly (readonly number[])[], labels: readonly boolean[], width: number) {
  let solution = columns<number>(width, () => 0);
  let covariance: number[][] = [];
  for (let step = 0; step < STEPS_MAX; step += 1) {
    const gradient = solution.map((value, column) => (column === 0 ? 0 : -RIDGE * value));
    const hessian = columns(width, (row) =>
      columns<number>(width, (column) => (row === column && row > 0 ? RIDGE : 0)),
    );
    rows.forEach((row, index) => {
      const odds = row.reduce((sum, value, column) => sum + value * (solution[column] ?? 0), 0);
      const chance = 1 / (1 + Math.exp(-odds));
      const miss = (labels[index] === true ? 1 : 0) - chance;
      const spread = chance * (1 - chance);
      row.forEach((value, column) => {
        gradient[column] = (gradient[column] ?? 0) + miss * value;
        const line = hessian[column] ?? [];
        for (let other = 0; other < width; other += 1) {
          line[other] = (line[other] ?? 0) + spread * value * (row[other] ?? 0);
        }
      });
    });
    covariance = inverse(hessian);
    const change = covariance.map((line) =>
      line.reduce((sum, value, index) => sum + value * (gradient[index] ?? 0), 0),
    );
    solution = solution.map((value, index) => value + (change[index] ?? 0));
    if (change.every((value) => Math.abs(value) < CONVERGED_BELOW)) break;
  }
  return { solution, covariance };
}

/** Gauss-Jordan with the largest pivot. */
function inverse(matrix: readonly (readonly number[])[]): number[][] {
  const size = matrix.length;
  const work = matrix.map((row, index) => [...row, ...columns(size, (column) => (column === index ? 1 : 0))]);
  for (let column = 0; column < size; column += 1) {
    const candidates = work.slice(column).map((row) => Math.abs(row[column] ?? 0));
    const pivot = column + candidates.indexOf(Math.max(...candidates));
    const [upper = [], lower = []] = [work[column], work[pivot]];
    work[column] = lower;
    work[pivot] = upper;
    const divisor = lower[column] ?? 0;
    if (divisor === 0) continue;
    const line = lower.map((value) => value / divisor);
    work[column] = line;
    work.forEach((row, index) => {
      const factor = row[column] ?? 0;
      if (index !== column && factor !== 0) work[index] = row.map((value, at) => value - factor * (line[at] ?? 0));
    });
  }
  return work.map((row) => row.slice(size));
}

function columns<Value>(count: number, make: (index: number) => Value): Value[] {
  return Array.from({ length: count }, (_, index) => make(index));
}

function mean<Row>(rows: readonly Row[], read: (row: Row) => number): number {
  return rows.reduce((sum, row) => sum + read(row), 0) / Math.max(1, rows.length);
}

/** How sure it is that a weight lies on its side of zero: the two-sided chance under the normal curve. */
export function confidenceOf(weight: number, error: number): number {
  return error === 0 ? 0 : errorFunction(Math.abs(weight / error) / Math.SQRT2);
}

/** Abramowitz and Stegun 7.1.26, good to seven digits. */
function errorFunction(x: number): number {
  const t = 1 / (1 + 0.3275911 * x);
  const series = [0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429];
  return 1 - series.reduceRight((sum, factor) => (sum + factor) * t, 0) * Math.exp(-x * x);
}

/** The chance that of two people the one who reached the goal has the higher score; equal scores count half. */
export function areaUnderCurve(scored: readonly { score: number; reached: boolean }[]): number | null {
  const ascending = [...scored].sort((a, b) => a.score - b.score);
  const reachedCount = ascending.filter(({ reached }) => reached).length;
  const otherCount = ascending.length - reachedCount;
  if (reachedCount === 0 || otherCount === 0) return null;
  let rankSum = 0;
  for (let start = 0; start < ascending.length; ) {
    let end = start;
    while (ascending[end]?.score === ascending[start]?.score && end < ascending.length) end += 1;
    const tied = ascending.slice(start, end).filter(({ reached }) => reached).length;
    rankSum += (tied * (start + 1 + end)) / 2;
    start = end;
  }
  return (rankSum - (reachedCount * (reachedCount + 1)) / 2) / (reachedCount * otherCount);
}
