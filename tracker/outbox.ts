import { forget, keys, read, write } from "./store.ts";

export const prefix = "_di.e.";
// As the server measures it: what is larger would never be taken, and stand in the way of all that follows.
const itemBytesMax = 32 * 1024;
const itemsMax = 200;
const bytesMax = 256 * 1024;

/** How many the server would not have, until a view tells it. */
export const droppedKey = "_di.n";

/** Not by a Blob, because making one waits for another process. */
export const bytesOf = (text: string): number => new TextEncoder().encode(text).length;

export function drop(count?: number): void {
  if (count) write(droppedKey, +read(droppedKey) + count);
}

export const waitingItems = (): string[] => keys(prefix);

/**
 * Each item has a name of its own, so that tabs never rewrite each other's; the names sort by birth. The oldest go
 * first when it is full.
 */
export function put(id: string, value: object, into?: Record<string, string>): void {
  const item = JSON.stringify(value);
  if (bytesOf(item) > itemBytesMax) {
    drop(1);
    throw "size";
  }
  write(prefix + id, item, into);
  let room = bytesMax;
  waitingItems()
    .reverse()
    .forEach((name, index) => {
      room -= bytesOf(read(name));
      if (room < 0 || index >= itemsMax) forget(name);
    });
}
