import type { Observed } from "./core.ts";
import { isPhone } from "./phone.ts";

const email = /\S@\S+\.\w/;

/** That a contact was taken along, never which; what visitors copy out of what they typed themselves is none. */
export function watchCopy({ hear, track }: Observed): void {
  hear("copy", (_: Event, [target]: EventTarget[]) => {
    const element = target as HTMLElement;
    if (/^(INPUT|TEXTAREA)$/.test(element.tagName) || element.isContentEditable) return;
    const text = `${getSelection()}`.trim();
    const kind = email.test(text) ? "email" : isPhone(text) && "phone";
    if (kind) track("copy_contact", { kind });
  });
}
