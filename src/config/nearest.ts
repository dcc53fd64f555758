const DISTANCE_MAX = 3;

/** The known name that a mistyped one most likely meant, or null; a prefix that all share tells nothing. */
export function nearestOf(typed: string, known: readonly string[], prefix = ""): string | null {
  const bare = (name: string) => (name.startsWith(prefix) ? name.slice(prefix.length) : name).toLowerCase();
  let nearest: string | null = null;
  let nearestDistance = Math.min(DISTANCE_MAX, Math.ceil(bare(typed).length / 3)) + 1;
  for (const name of known) {
    const distance = distanceOf(bare(typed), bare(name));
    if (distance >= nearestDistance) continue;
    nearest = name;
    nearestDistance = distance;
  }
  return nearest;
}

/** Edits (insert, delete, replace, swap of neighbours) that turn one word into the other. */
function distanceOf(a: string, b: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const isSame = a[row - 1] === b[column - 1];
      const isSwap = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      current[column] = Math.min(
        at(previous, column) + 1,
        at(current, column - 1) + 1,
        at(previous, column - 1) + (isSame ? 0 : 1),
        isSwap ? at(beforePrevious, column - 2) + 1 : Infinity,
      );
    }
    beforePrevious = previous;
    previous = current;
  }
  return at(previous, b.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Infinity;
}
