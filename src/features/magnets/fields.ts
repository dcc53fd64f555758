import type { Magnet } from "../../core/magnet.ts";
import { escapeHtml } from "../../http/page.ts";
import type { FormField } from "./form.ts";
import type { FieldErrors, Typed } from "./read-submission.ts";

type Shown = {
  field: FormField;
  value: string;
  error: string | undefined;
  isFirstWrong: boolean;
  words: Magnet["words"];
};

/** Every field with its label, what was typed before, and beside it what is to be mended. */
export function fieldsHtml(fields: readonly FormField[], typed: Typed, errors: FieldErrors, words: Magnet["words"]) {
  const firstWrong = fields.find(({ name }) => errors[name] !== undefined);
  return fields
    .map((field) => {
      const { name } = field;
      const isFirstWrong = field === firstWrong;
      return fieldHtml({ field, value: typed[name] ?? "", error: errors[name], isFirstWrong, words });
    })
    .join("\n");
}

function fieldHtml(shown: Shown): string {
  const { field, error } = shown;
  const problem = problemHtml(shown);
  const wrong = error === undefined ? "" : " wrong";
  if (field.type === "radio") {
    const described = error === undefined ? "" : ` aria-describedby="${errorId(field)}"`;
    return `<fieldset class="field${wrong}" id="f-${field.name}"${described}><legend>${captionHtml(shown)}</legend>
${problem}${radiosHtml(shown)}</fieldset>`;
  }
  if (field.type === "checkbox") {
    return `<div class="field${wrong}">
${problem}<label class="choice">${inputHtml(shown)}<span>${captionHtml(shown)}</span></label></div>`;
  }
  return `<div class="field${wrong}"><label for="f-${field.name}">${captionHtml(shown)}</label>
${problem}${controlHtml(shown)}</div>`;
}

function captionHtml({ field, words }: Shown): string {
  const mark = field.required ? "" : ` <span class="optional">(${escapeHtml(words.optional)})</span>`;
  return escapeHtml(field.label) + mark;
}

function problemHtml({ field, error }: Shown): string {
  return error === undefined ? "" : `<p class="problem" id="${errorId(field)}">${escapeHtml(error)}</p>\n`;
}

function controlHtml(shown: Shown): string {
  const { field, value, words } = shown;
  if (field.type === "textarea") return `<textarea${attributes(shown)}>\n${escapeHtml(value)}</textarea>`;
  if (field.type !== "select") return inputHtml(shown);
  const options = (field.options ?? []).map(
    (option) => `<option${option === value ? " selected" : ""}>${escapeHtml(option)}</option>`,
  );
  const none = `<option value="">${escapeHtml(words.choose)}</option>`;
  return `<select${attributes(shown)}>${none}${options.join("")}</select>`;
}

function inputHtml(shown: Shown): string {
  const { field, value } = shown;
  if (field.type === "checkbox") {
    const isTicked = /^(?:on|true|1|yes)$/i.test(value);
    return `<input type="checkbox" value="true"${isTicked ? " checked" : ""}${attributes(shown)}>`;
  }
  // A browser's number field loses what it cannot read; a text field with the right keyboard keeps it.
  const type = field.type === "number" ? `type="text" inputmode="decimal"` : `type="${field.type}"`;
  return `<input ${type} value="${escapeHtml(value)}"${attributes(shown)}>`;
}

function radiosHtml({ field, value, isFirstWrong }: Shown): string {
  return (field.options ?? [])
    .map((option, index) => {
      const checked = option === value ? " checked" : "";
      const focus = isFirstWrong && index === 0 ? " autofocus" : "";
      const required = field.required ? " required" : "";
      const input = `<input type="radio" name="${field.name}" value="${escapeHtml(option)}"${checked}${required}${focus}>`;
      return `<label class="choice">${input}<span>${escapeHtml(option)}</span></label>`;
    })
    .join("\n");
}

function attributes({ field, error, isFirstWrong }: Shown): string {
  return [
    ` id="f-${field.name}" name="${field.name}"`,
    field.required ? " required" : "",
    field.autocomplete === undefined ? "" : ` autocomplete="${field.autocomplete}"`,
    error === undefined ? "" : ` aria-invalid="true" aria-describedby="${errorId(field)}"`,
    isFirstWrong ? " autofocus" : "",
  ].join("");
}

function errorId({ name }: FormField): string {
  return `e-${name}`;
}
