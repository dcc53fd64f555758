import { forget, keys, read, write } from "./store.ts";

export const prefix = "_di.e.";
const itemCharactersMax = 32 * 1024;
const itemsMax = 200;
const charactersMax = 256 * 1024;

export const waitingItems = (): string[] => keys(prefix);

/**
 * Each item has a name of its own, so that tabs never rewrite each other's; the names sort by birth. The oldest go
 * first when it is full.
 */
export function put(id: string, value: object, into?: Record<string, string>): void {
  const item = JSON.stringify(value);
  if (item.length > itemCharactersMax) throw Error("size");
  write(prefix + id, item, into);
  let room = charactersMax;
  waitingItems()
    .reverse()
    .forEach((name, index) => {
      room -= read(name).length;
      if (room < 0 || index >= itemsMax) forget(name);
    });
}
