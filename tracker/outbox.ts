import { forget, keys, stored, write } from "./store.ts";

export const prefix = "_di.e.";
const itemsMax = 200;
const charactersMax = 256 * 1024;

export const waitingItems = (): string[] => keys(prefix);

/**
 * Each item has a name of its own, so that tabs never rewrite each other's; the names sort by birth. The oldest go
 * first when it is full.
 */
export function put(id: string, item: string): void {
  write(prefix + id, item);
  let room = charactersMax;
  waitingItems()
    .reverse()
    .forEach((name, index) => {
      room -= stored[name]?.length ?? 0;
      if (index >= itemsMax || room < 0) forget(name);
    });
}
