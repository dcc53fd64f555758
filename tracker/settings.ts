import { site } from "./store.ts";
import type { Options } from "./types.ts";

export const options: Options = { endpoint: "" };
/** Nothing is stored, sent or noted while this is false. */
export let running = false;

export function setRunning(value: boolean): void {
  running = value;
}

/** Cookies and beacons only do what they should between pages of one site. */
export function sameSite(address = options.endpoint): boolean {
  const url = new URL(address, location as never);
  return `.${url.hostname}`.endsWith(`.${site()}`);
}
