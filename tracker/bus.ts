import { listen } from "./safe.ts";

type Heard = [name: string, event: Event, path: EventTarget[]];
type Listener = (happening: never, path: EventTarget[]) => void;

const listeners: Record<string, Listener[]> = {};
let early: Heard[] | undefined;

export function emit(name: string, happening?: unknown, path: EventTarget[] = []): void {
  for (const listener of listeners[name] ?? []) listener(happening as never, path);
}

/** An event of the browser is heard from the first listener on, not before: nobody pays for what nobody wants. */
function hear(name: string): Listener[] {
  if (!listeners[name]) {
    listeners[name] = [];
    listen(window, name, (event) => {
      const heard: Heard = [name, event, event.composedPath()];
      early?.push(heard);
      emit(...heard);
    });
  }
  return listeners[name];
}

/** Listens to happenings of ours (`event`, `view`, `leave`) and to any event of the browser, by its name. */
export function on(name: string, listener: Listener): void {
  hear(name).push(listener);
}

/** What happens before its observers have come is kept for them. */
export function keepEarly(names: string): () => void {
  early = [];
  names.split(" ").forEach(hear);
  return () => {
    for (const missed of early ?? []) emit(...missed);
    early = undefined;
  };
}
