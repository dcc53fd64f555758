import { guard } from "./safe.ts";

/** Told through the page's own event system: parts and page listen the same way, and nobody listening costs nothing. */
export function emit(name: string, detail?: unknown): void {
  dispatchEvent(new CustomEvent(`do-intent:${name}`, { detail }));
}

export function on(name: string, listener: (happening: never) => void): void {
  addEventListener(
    `do-intent:${name}`,
    guard((event: Event) => listener((event as CustomEvent).detail as never)),
  );
}
