import type { Observed } from "./core.ts";

const clickable = "[data-intent],a[href],button,[role=button],[type=submit],[type=button],[type=image]";
const textCharactersMax = 100;
const file = /\.(pdf|zip|docx?|xlsx?|pptx?|csv|dmg|exe|msi|apk|mp[34])$/i;

function kindOf({ protocol, host, pathname, download }: HTMLAnchorElement): string {
  if (protocol === "mailto:" || protocol === "tel:") return protocol.slice(0, -1);
  if (download || file.test(pathname)) return "download";
  return host && host !== location.host ? "outbound" : "link";
}

/** Buttons and links, also inside open shadow roots: the path was taken before the page could change. */
export function watchClicks({ hear, track }: Observed): void {
  const clicked = ({ button }: MouseEvent, nodes: EventTarget[]) => {
    const path = nodes.filter((node) => node instanceof HTMLElement);
    const element = path.find((node) => node.matches(clickable));
    // The middle button opens a link too; the right one only asks what could be done.
    if (!element || button > 1) return;
    const link = path.find((node) => node instanceof HTMLAnchorElement);
    const { ariaLabel, textContent, dataset } = element;
    track("cta_click", {
      text: (ariaLabel || textContent || (element as HTMLInputElement).value || "")
        .replace(/\s+/g, " ")
        .trim()
        .slice(0, textCharactersMax),
      href: link?.href,
      name: dataset.intent,
      kind: link ? kindOf(link) : "button",
    });
  };
  hear("click auxclick", clicked);
}
