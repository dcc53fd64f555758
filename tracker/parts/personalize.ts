import { emit, on } from "../bus.ts";
import { campaignLink } from "../identity.ts";
import { cookie, idKey, site } from "../store.ts";
import { conditionHolds, type Fields } from "./condition.ts";
import type { Core } from "./core.ts";

const selector = "[data-personalize]:not(script),[data-show-if],[data-hide-if]";
// As long as the page's own style hides what is not settled yet.
const answerMs = 1000;
// A page that writes its own text back each time must win in the end.
const fillsMax = 20;
const style =
  "[data-show-if]:not([data-do-intent=shown]),[data-do-intent=hidden]{visibility:hidden!important}[hidden]{display:none!important}";

interface Filled {
  own: string;
  shown: string;
  fills: number;
}

/** A page says things to its visitor. What is known of them lives in memory only, and goes in as text. */
export function start({ api, landed, options }: Core): void {
  const filled = new WeakMap<Element, Filled>();
  const unhidden = new WeakSet<Element>();
  let fields: Fields | undefined;
  let asked = false;

  function fill(element: HTMLElement, known: Fields): void {
    const value = known[element.dataset.personalize ?? ""];
    const text = element.textContent ?? "";
    const before = filled.get(element);
    if (value === undefined && !before) return;
    const record = before ?? { own: text, shown: text, fills: 0 };
    // The page has written since: that is its own text now.
    if (text !== record.shown) record.own = text;
    record.shown = value ?? record.own;
    filled.set(element, record);
    if (text === record.shown || record.fills++ > fillsMax) return;
    const { firstChild: only } = element;
    // The text node stays where it can, because frameworks hold on to it.
    if (only instanceof Text && !only.nextSibling) only.data = record.shown;
    else element.textContent = record.shown;
  }

  function settle(element: HTMLElement, known: Fields): void {
    const { personalize, showIf, hideIf } = element.dataset;
    if (personalize) fill(element, known);
    const isShown =
      (showIf === undefined || conditionHolds(showIf, known)) &&
      (hideIf === undefined || !conditionHolds(hideIf, known));
    const state = isShown ? "shown" : "hidden";
    if (element.dataset.doIntent !== state) element.dataset.doIntent = state;
    // What the page itself hides takes no room until it is shown.
    if (showIf === undefined || (isShown ? !element.hidden : !unhidden.has(element))) return;
    element.hidden = !isShown;
    if (isShown) unhidden.add(element);
    else unhidden.delete(element);
  }

  function apply(): void {
    const elements = document.querySelectorAll<HTMLElement>(selector);
    if (elements.length || options.personalize !== undefined || document.querySelector("script[data-personalize]")) {
      void ask();
    }
    if (fields) for (const element of elements) settle(element, fields);
  }

  function cookieTravels(): boolean {
    const { hostname, protocol } = new URL(options.endpoint, location.href);
    return protocol === location.protocol && `.${hostname}`.endsWith(`.${site()}`) && !!cookie(idKey);
  }

  /** Once per view at most. Not kept by the browser either, whose cache is on a disk. */
  async function ask(): Promise<void> {
    if (asked) return;
    asked = true;
    const anonymous_id = api.id();
    const link = landed || campaignLink();
    // Where the cookie says it, the id stands in no address.
    const query = { anonymous_id: cookieTravels() ? undefined : anonymous_id, i: link, write_key: options.key };
    const given = Object.entries(query).filter((entry): entry is [string, string] => !!entry[1]);
    const answer: Fields | undefined = anonymous_id
      ? await fetch(`${options.endpoint}/p?${new URLSearchParams(given)}`, {
          credentials: "include",
          cache: "no-store",
          signal: AbortSignal.timeout(answerMs),
        })
          .then((response) => (response.ok ? response.json() : undefined))
          .then((said) => said?.fields)
          .catch(() => undefined)
      : undefined;
    // Who has withdrawn meanwhile is nobody; where nothing is heard, what was known still holds.
    fields = api.id() ? (answer ?? fields ?? {}) : {};
    apply();
    if (answer) emit("personalized", { ...answer });
  }

  const sheet = new CSSStyleSheet();
  sheet.replaceSync(style);
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  // Called before the next paint, so that what comes later is never seen unfilled.
  new MutationObserver(apply).observe(document, {
    childList: true,
    subtree: true,
    characterData: true,
    attributeFilter: ["data-personalize", "data-show-if", "data-hide-if"],
  });
  on("view", () => {
    asked = false;
    // After the view is told, because asking may make the id.
    setTimeout(apply);
  });
  apply();
}
