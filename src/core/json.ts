export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/**
 * The extent of a JSON value: keys in all objects together, and the deepest nesting (a flat object is 1). Level by level,
 * because a body can nest deeper than calls can.
 */
export function measureJson(value: unknown): { keys: number; depth: number } {
  let keys = 0;
  let depth = 0;
  let level: unknown[] = [value];
  for (;;) {
    const containers = level.filter((item) => item !== null && typeof item === "object");
    if (containers.length === 0) return { keys, depth };
    depth += 1;
    level = containers.flatMap((container) => {
      if (Array.isArray(container)) return container;
      const children = Object.values(container);
      keys += children.length;
      return children;
    });
  }
}
