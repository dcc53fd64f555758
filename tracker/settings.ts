import { site } from "./store.ts";
import type { Options } from "./types.ts";

export const options: Options = { endpoint: "" };
/** Nothing is stored, sent or noted while this is false. */
export let running = false;

export function setRunning(value: boolean): void {
  running = value;
}

/** Cookies and beacons only do what they should between pages of one site. */
export function sameSite(): boolean {
  const url = new URL(options.endpoint, location as never);
  return url.protocol === location.protocol && `.${url.hostname}`.endsWith(`.${site()}`);
}
