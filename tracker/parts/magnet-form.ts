export interface Field {
  name: string;
  label: string;
  type: string;
  required: boolean;
  options?: string[];
  autocomplete?: string;
}

export interface Offer {
  slug: string;
  title: string;
  description: string;
  lang: string;
  button: string;
  fields: Field[];
  started: string;
  honeypot: string;
  words?: Partial<Record<string, string>>;
}

type Control = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement;
type Tags = HTMLElementTagNameMap;

/** Built node by node: what the server says is text and never markup. */
export function make<Name extends keyof Tags>(
  name: Name,
  given: object = {},
  ...inside: (Node | string)[]
): Tags[Name] {
  const element = Object.assign(document.createElement(name), given);
  element.append(...inside);
  return element;
}

/** A question with its control and a place for what is wrong with the answer. */
export interface Question {
  row: HTMLElement;
  value(): string | boolean;
  complain(problem: string): void;
  focus(): void;
}

export function askField(field: Field, words: NonNullable<Offer["words"]>): Question {
  const { name, label, type, required, options = [] } = field;
  const problem = make("p", { className: "problem", id: `${name}-problem` });
  const title = required ? label : `${label} (${words.optional ?? "optional"})`;
  const controls: Control[] = [];
  const row = make(type === "radio" ? "fieldset" : "div", { className: "field" });

  function add<Kind extends Control>(control: Kind, id: string): Kind {
    control.id = id;
    control.name = name;
    control.required = required;
    if (field.autocomplete) control.setAttribute("autocomplete", field.autocomplete);
    controls.push(control);
    return control;
  }

  const choice = (control: HTMLInputElement, text: string) =>
    make("label", { className: "choice", htmlFor: control.id }, control, text);

  if (type === "radio") {
    const choices = options.map((value, index) =>
      choice(add(make("input", { type, value }), `${name}-${index}`), value),
    );
    row.append(make("legend", {}, title), problem, ...choices);
  } else if (type === "checkbox") {
    row.append(problem, choice(add(make("input", { type }), name), title));
  } else {
    row.append(make("label", { htmlFor: name }, title), problem, add(entry(field, words), name));
  }

  return {
    row,
    value() {
      const [first] = controls;
      if (type === "checkbox") return (first as HTMLInputElement).checked;
      if (type !== "radio") return first?.value ?? "";
      return controls.find((control) => (control as HTMLInputElement).checked)?.value ?? "";
    },
    complain(text) {
      problem.textContent = text;
      row.classList.toggle("wrong", !!text);
      for (const control of controls) {
        control.toggleAttribute("aria-invalid", false);
        if (text) control.setAttribute("aria-invalid", "true");
        if (text) control.setAttribute("aria-describedby", problem.id);
        else control.removeAttribute("aria-describedby");
      }
    },
    focus: () => controls[0]?.focus(),
  };
}

function entry({ type, options = [] }: Field, words: NonNullable<Offer["words"]>): Control {
  if (type === "textarea") return make("textarea", { rows: 3 });
  if (type === "select") {
    const choices = options.map((value) => make("option", { value }, value));
    return make("select", {}, make("option", { value: "" }, words.choose ?? "\u2013"), ...choices);
  }
  // A field of numbers would throw away what it cannot read; the right keyboard is all that is wanted of it.
  return type === "number" ? make("input", { type: "text", inputMode: "decimal" }) : make("input", { type });
}
