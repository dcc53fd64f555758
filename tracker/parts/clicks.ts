import type { Observed } from "./core.ts";

const clickable = "[data-intent],a[href],button,[role=button],[type=submit],[type=button],[type=image]";
// What a visitor may have written stands in there as text.
const written =
  "textarea,[role=textbox],[role=searchbox],[role=combobox],[contenteditable]:not([contenteditable=false])";
const labelled = /^(submit|button|image|reset)$/;
const textCharactersMax = 100;
const file = /\.(pdf|zip|docx?|xlsx?|pptx?|csv|dmg|exe|msi|apk|mp[34])$/i;

function kindOf({ protocol, host, pathname, download }: HTMLAnchorElement): string {
  if (protocol === "mailto:" || protocol === "tel:") return protocol.slice(0, -1);
  if (download || file.test(pathname)) return "download";
  return host && host !== location.host ? "outbound" : "link";
}

/** What the page wrote on it. The value of an input that is no button is what was typed, and so is what it is written into. */
function textOf(element: HTMLElement): string {
  if (element.ariaLabel) return element.ariaLabel;
  if (element instanceof HTMLInputElement) return labelled.test(element.type) ? element.value || element.alt : "";
  const isTyped = element.matches(`select,${written}`) || element.querySelector(written);
  return isTyped ? "" : (element.textContent ?? "");
}

/** Buttons and links, also inside open shadow roots: the path was taken before the page could change. */
export function watchClicks({ hear, track }: Observed): void {
  const clicked = ({ button }: MouseEvent, nodes: EventTarget[]) => {
    // A form is named by its attribute too, and its fields are no calls to action: the way ends there.
    const form = nodes.findIndex((node) => node instanceof HTMLFormElement);
    const path = nodes.slice(0, form < 0 ? undefined : form).filter((node) => node instanceof HTMLElement);
    const element = path.find((node) => node.matches(clickable));
    // The middle button opens a link too; the right one only asks what could be done.
    if (!element || button > 1) return;
    const link = path.find((node) => node instanceof HTMLAnchorElement);
    // In a text that a visitor writes, the links are theirs as well.
    const isWritten = path.some((node) => node.isContentEditable);
    track("cta_click", {
      text: (isWritten ? "" : textOf(element)).replace(/\s+/g, " ").trim().slice(0, textCharactersMax),
      href: isWritten ? undefined : link?.href,
      name: element.dataset.intent,
      kind: link ? kindOf(link) : "button",
    });
  };
  hear("click auxclick", clicked);
}
