import type { Observed } from "./core.ts";

const email = /\S@\S+\.\w/;
const phone = /^[+(\d][\d\s()./-]{5,}\d$/;

/** That a contact was taken along, never which. */
export function watchCopy({ hear, track }: Observed): void {
  hear("copy", ({ target }: Event) => {
    const text = `${getSelection()}`.trim();
    const kind = email.test(text) ? "email" : phone.test(text) && "phone";
    if (kind && !(target as HTMLInputElement).form) track("copy_contact", { kind });
  });
}
