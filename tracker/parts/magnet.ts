import { emit } from "../bus.ts";
import type { Core } from "./core.ts";
import { askField, make, type Offer } from "./magnet-form.ts";
import { magnetStyle } from "./magnet-style.ts";

const selector = "[data-lead-magnet]";
const answerMs = 20_000;

interface Answer {
  download_url?: string | null;
  booking_url?: string | null;
  message?: string;
  error?: { message?: string };
  errors?: Record<string, string>;
  started?: string;
}

/** The form of a lead magnet inside a page of somebody else's. What is typed goes to the server and nowhere else. */
export function start({ api, options, touch }: Core): void {
  const drawn = new WeakSet<Element>();
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(magnetStyle);

  async function draw(host: HTMLElement): Promise<void> {
    drawn.add(host);
    const address = `${options.endpoint}/m/${encodeURIComponent(host.dataset.leadMagnet ?? "")}`;
    const answer = await fetch(`${address}/form.json`, { cache: "no-store", signal: AbortSignal.timeout(answerMs) });
    // What stands in the element, such as a link to the page of the offer, is there for this.
    if (!answer.ok) throw Error(`${address} ${answer.status}`);
    const offer: Offer = await answer.json();
    const root = host.shadowRoot ?? host.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [sheet];
    host.lang ||= offer.lang;
    root.replaceChildren(...about(offer), formOf(offer, address, host));
  }

  const about = ({ title, description }: Offer) => [
    make("h2", {}, title),
    ...description
      .split(/\n\s*\n/)
      .filter(Boolean)
      .map((text) => make("p", {}, text)),
  ];

  function formOf(offer: Offer, address: string, host: HTMLElement): HTMLFormElement {
    const { slug, button, fields, honeypot, words = {} } = offer;
    const summary = make("div", { className: "summary", role: "alert" });
    const questions = new Map(fields.map((field) => [field.name, askField(field, words)]));
    const bait = make("input", { name: honeypot, tabIndex: -1, autocomplete: "off", type: "text" });
    const trap = make("div", { className: "trap", ariaHidden: "true" }, make("label", {}, honeypot, bait));
    const send = make("button", { className: "button", type: "submit" }, button);
    const form = make("form", { noValidate: true, name: slug }, summary);
    form.append(...[...questions.values()].map(({ row }) => row), trap, send);
    form.setAttribute("data-lead-magnet", slug);
    let { started } = offer;

    function refused({ error, errors = {}, started: next }: Answer): void {
      started = next ?? started;
      const wrong = [...questions].filter(([name]) => errors[name]);
      for (const [name, { complain }] of questions) complain(errors[name] ?? "");
      summary.textContent = error?.message ?? failure(host);
      wrong[0]?.[1].focus();
    }

    async function submit(): Promise<void> {
      const session = touch();
      const said = {
        ...Object.fromEntries([...questions].map(([name, { value }]) => [name, value()])),
        [honeypot]: bait.value,
        started,
        anonymous_id: api.id(),
        session_id: session || undefined,
        url: location.href,
        referrer: document.referrer || undefined,
        write_key: options.key,
      };
      summary.textContent = "";
      const response = await fetch(address, {
        method: "POST",
        // As a text, so that the browser need not ask beforehand.
        body: JSON.stringify(said),
        headers: { accept: "application/json" },
        credentials: "include",
        signal: AbortSignal.timeout(answerMs),
      });
      const answer: Answer = await response.json();
      if (!response.ok) return refused(answer);
      const after = granted(answer, offer, address);
      form.replaceWith(after);
      after.focus();
      const { download_url = null, booking_url = null } = answer;
      emit("lead_magnet", { slug, download_url: absolute(download_url, address), booking_url });
    }

    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (send.ariaDisabled === "true") return;
      send.ariaDisabled = "true";
      submit()
        .catch(() => refused({}))
        .finally(() => {
          send.ariaDisabled = "false";
        });
    });
    return form;
  }

  function look(): void {
    for (const host of document.querySelectorAll<HTMLElement>(selector)) {
      if (!drawn.has(host)) draw(host).catch(console.warn);
    }
  }

  new MutationObserver(look).observe(document, { childList: true, subtree: true });
  look();
}

/** What no server can say, because it was not reached. */
const failure = ({ dataset }: HTMLElement): string =>
  dataset.failed ?? "This could not be sent. Please check the connection and send it once more.";

const absolute = (path: string | null | undefined, address: string): string | null =>
  path ? new URL(path, new URL(address, location.href)).href : null;

function granted(answer: Answer, { words = {} }: Offer, address: string): HTMLElement {
  const file = absolute(answer.download_url, address);
  const after = make("div", { className: "after", tabIndex: -1, role: "status" }, make("p", {}, answer.message ?? ""));
  if (file) after.append(make("a", { className: "button", href: file, download: "" }, words.download ?? "Download"));
  if (answer.booking_url && /^https?:/.test(answer.booking_url)) {
    const label = words.booking ?? "Book a call";
    after.append(make("a", { className: "button second", href: answer.booking_url }, label));
  }
  return after;
}
