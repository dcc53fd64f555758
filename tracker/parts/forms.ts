import { listen } from "../safe.ts";
import type { Observed } from "./core.ts";

type Field = HTMLInputElement;

/** From the first touch to the submit. */
interface Filling {
  startedMs: number;
  /** What was typed into, the latest last. */
  typed: Set<string>;
  /** For how long each field was in focus. */
  dwellMs: Map<string, number>;
  isAbandoned: boolean;
}

const noEntry = /submit|button|reset|image|hidden|fieldset|output/;
const nameCharactersMax = 100;
// A form with more of them is a table, and its event would grow too large to be taken.
const fieldsMax = 50;

/** Past the form itself, where any field may hide what it is named like: `<input name="elements">`. */
const of = <Name extends keyof HTMLFormElement>(form: HTMLFormElement, name: Name): HTMLFormElement[Name] =>
  Reflect.get(HTMLFormElement.prototype, name, form);

const attribute = (form: HTMLFormElement, name: string): string | null => of(form, "getAttribute").call(form, name);

/** By the clock that stamps events, so that those from before this part came count as they were. */
const between = (fromMs: number, toMs: number): number => Math.max(0, Math.round(toMs - fromMs));

const fieldName = ({ name, id, type }: Field): string => (name || id || type || "field").slice(0, nameCharactersMax);

function formName(form: HTMLFormElement): string {
  // What an address carries along is none of its name.
  const names = ["data-intent", "id", "name", "action"].map((name) => attribute(form, name)?.replace(/[?#].*/s, ""));
  return (names.find(Boolean) ?? "form").slice(0, nameCharactersMax);
}

/** Names of fields and how long each took, never what was typed. */
export function watchForms({ hear, on, track }: Observed): void {
  const fillings = new Map<HTMLFormElement, Filling>();
  const sent = new WeakSet<HTMLFormElement>();
  const roots = new WeakSet<EventTarget>();
  let inFocus: [filling: Filling, field: string, sinceMs: number] | undefined;

  /** The time in the field at hand goes to its name. */
  function fold(nowMs: number): void {
    if (!inFocus) return;
    const [{ dwellMs }, field, sinceMs] = inFocus;
    dwellMs.set(field, (dwellMs.get(field) ?? 0) + between(sinceMs, nowMs));
    inFocus = undefined;
  }

  const left = ({ timeStamp }: Event): void => fold(timeStamp);

  function told(form: HTMLFormElement, names: Iterable<string>, nowMs: number) {
    fold(nowMs);
    const { startedMs = nowMs, dwellMs = new Map() } = fillings.get(form) ?? {};
    const fields = [...new Set(names)].slice(0, fieldsMax);
    return {
      form: formName(form),
      fields,
      dwell_ms: between(startedMs, nowMs),
      field_dwell_ms: Object.fromEntries(
        fields.filter((name) => dwellMs.has(name)).map((name) => [name, dwellMs.get(name)]),
      ),
    };
  }

  function submitted({ target: form, timeStamp }: Event): void {
    if (!(form instanceof HTMLFormElement)) return;
    const entries = ([...of(form, "elements")] as Field[]).filter(({ type }) => !noEntry.test(type));
    // A lead magnet's form is told by the server that takes it.
    if (attribute(form, "data-lead-magnet") === null)
      track("form_submit", told(form, entries.map(fieldName), timeStamp));
    fillings.delete(form);
    sent.add(form);
  }

  /** A submit does not leave a shadow root, nor does focus that stays in there, so both are awaited inside. */
  function awaitInside(path: EventTarget[]): void {
    for (const node of path) {
      if (!(node instanceof ShadowRoot) || roots.has(node)) continue;
      roots.add(node);
      listen(node, "submit", submitted);
      listen(node, "focusin", (event) => touched(event, event.composedPath()));
      listen(node, "focusout", left);
    }
  }

  function touched({ type, timeStamp }: Event, path: EventTarget[]): void {
    awaitInside(path);
    const target = path[0] as Field;
    const { form } = target;
    const isTyping = type === "input";
    if (!isTyping) fold(timeStamp);
    if (!(form instanceof HTMLFormElement) || noEntry.test(target.type)) return;
    const field = fieldName(target);
    let filling = fillings.get(form);
    if (!filling) {
      // What the page focuses by itself, also after a form was sent, is nobody's beginning.
      if (!isTyping && (target.autofocus || sent.has(form))) return;
      filling = { startedMs: timeStamp, typed: new Set(), dwellMs: new Map(), isAbandoned: false };
      fillings.set(form, filling);
      track("form_start", { form: formName(form), field });
    }
    inFocus ??= [filling, field, timeStamp];
    if (!isTyping) return;
    // Taken out first, so that the last one is the latest.
    filling.typed.delete(field);
    filling.typed.add(field);
  }

  hear("focusin input", touched);
  hear("focusout blur", left);
  hear("click", (_: Event, path: EventTarget[]) => awaitInside(path));
  hear("submit", submitted);
  on("leave", (gone: boolean) => {
    const nowMs = performance.now();
    for (const [form, filling] of fillings) {
      const isThere = of(form, "isConnected");
      if (!gone && isThere) continue;
      const { typed, isAbandoned } = filling;
      // Once: a page that comes back from the cache goes on with the same filling.
      if (typed.size && !isAbandoned)
        track("form_abandon", { ...told(form, typed, nowMs), last_field: [...typed].at(-1) }, true);
      filling.isAbandoned = true;
      if (!isThere) fillings.delete(form);
    }
  });
}
