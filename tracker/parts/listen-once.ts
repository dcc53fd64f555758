import { guard } from "../safe.ts";

/**
 * Hears the first of these, and none after it until it is asked again: what comes with every frame would cost the page
 * something each time.
 */
export function listenOnce(types: string, handler: (event: Event) => void): void {
  const names = types.split(" ");
  const heard = guard((event: Event) => {
    for (const name of names) removeEventListener(name, heard, true);
    handler(event);
  });
  for (const name of names) addEventListener(name, heard, { capture: true, passive: true });
}
