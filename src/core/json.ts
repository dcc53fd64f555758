export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** The extent of a JSON value: keys in all objects together, and the deepest nesting (a flat object is 1). */
export function measureJson(value: unknown): { keys: number; depth: number } {
  if (value === null || typeof value !== "object") return { keys: 0, depth: 0 };
  let keys = 0;
  let depthBelow = 0;
  const children = Array.isArray(value) ? value : Object.values(value);
  if (!Array.isArray(value)) keys = children.length;
  for (const child of children) {
    if (child === null || typeof child !== "object") continue;
    const inner = measureJson(child);
    keys += inner.keys;
    if (inner.depth > depthBelow) depthBelow = inner.depth;
  }
  return { keys, depth: depthBelow + 1 };
}
