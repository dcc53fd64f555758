import { listen } from "../safe.ts";
import type { Observed } from "./core.ts";

type Field = HTMLInputElement;

const noEntry = /submit|button|reset|image|hidden|fieldset|output/;

const fieldName = ({ name, id, type }: Field): string => name || id || type;

/** By attribute, because a field called `id` hides the property of the form. */
function formName(form: HTMLFormElement): string {
  const names = ["data-intent", "id", "name", "action"].map((name) => form.getAttribute(name));
  return names.find(Boolean) ?? "form";
}

/** Names of fields and how long it took, never what was typed. */
export function watchForms({ hear, on, track }: Observed): void {
  const startedMs = new Map<HTMLFormElement, number>();
  const typed = new Map<HTMLFormElement, Set<string>>();
  const roots = new WeakSet<EventTarget>();

  function described(form: HTMLFormElement, fields: string[]) {
    const dwell_ms = Date.now() - (startedMs.get(form) ?? Date.now());
    return { form: formName(form), fields, dwell_ms };
  }

  function submitted({ target }: Event): void {
    const form = target as HTMLFormElement;
    const entries = ([...form.elements] as Field[]).filter(({ type }) => !noEntry.test(type));
    // A lead magnet's form is told by the server that takes it.
    if (!form.hasAttribute("data-lead-magnet")) {
      track("form_submit", described(form, [...new Set(entries.map(fieldName))]));
    }
    typed.delete(form);
  }

  /** A submit event does not leave a shadow root, so it is awaited inside. */
  function awaitInside(path: EventTarget[]): void {
    for (const node of path) {
      if (!(node instanceof ShadowRoot) || roots.has(node)) continue;
      roots.add(node);
      listen(node, "submit", submitted);
    }
  }

  function touched({ type }: Event, path: EventTarget[]): void {
    awaitInside(path);
    const target = path[0] as Field;
    const { form } = target;
    const typing = type === "input";
    // What the page focuses by itself is nobody's beginning.
    if (!form || noEntry.test(target.type) || (!typing && target.autofocus)) return;
    const field = fieldName(target);
    if (!startedMs.has(form)) {
      startedMs.set(form, Date.now());
      track("form_start", { form: formName(form), field });
    }
    if (!typing) return;
    const fields = typed.get(form) ?? new Set();
    typed.set(form, fields);
    // Taken out first, so that the last one is the latest.
    fields.delete(field);
    fields.add(field);
  }

  hear("focusin input", touched);
  hear("click", (_: Event, path: EventTarget[]) => awaitInside(path));
  hear("submit", submitted);
  on("leave", (gone: boolean) => {
    for (const [form, set] of typed) {
      if (!gone && form.isConnected) continue;
      const fields = [...set];
      typed.delete(form);
      track("form_abandon", { ...described(form, fields), last_field: fields.at(-1) }, true);
    }
  });
}
