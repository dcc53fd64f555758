import { HONEYPOT, type Magnet } from "../../core/magnet.ts";
import { escapeHtml } from "../../http/page.ts";
import { fieldsHtml } from "./fields.ts";
import { formFields } from "./form.ts";
import type { FieldErrors, Typed } from "./read-submission.ts";
import { styleOf } from "./style.ts";

/** What the pages know of the house around them. */
export type PageContext = {
  /** The tracker's own address and key; null where it is not served. */
  script: { path: string; writeKey: string | null } | null;
};

/** A form as it is shown: at first empty, and after a refusal with what was typed and what is to be mended. */
export type FormState = {
  started: string;
  /** What stands behind the question mark, so that the origin of a visit outlives the sending. */
  search: string;
  referrer: string;
  typed: Typed;
  errors: FieldErrors;
  message: string | null;
};

export function formPage(magnet: Magnet, state: FormState, context: PageContext): string {
  const { slug, title, words } = magnet;
  const { started, search, referrer, typed, errors, message } = state;
  const hidden = { started, referrer };
  const summary = message === null ? "" : `<p class="summary" role="alert">${escapeHtml(message)}</p>\n`;
  const body = `<main class="offer">
<div class="about">
<h1>${escapeHtml(title)}</h1>
${paragraphsOf(magnet.description)}
</div>
<form class="card" method="post" action="/m/${slug}${escapeHtml(search)}" novalidate>
${summary}${fieldsHtml(formFields(magnet), typed, errors, words)}
<div class="homepage" aria-hidden="true"><label>Leave this empty <input name="${HONEYPOT}" tabindex="-1" autocomplete="off"></label></div>
${Object.entries(hidden)
  .map(([name, value]) => `<input type="hidden" name="${name}" value="${escapeHtml(value)}">`)
  .join("\n")}
<button class="button" type="submit">${escapeHtml(words.button)}</button>
</form>
</main>`;
  return documentOf(magnet, message === null ? title : `${words.error}: ${title}`, body, context);
}

/** What is given to whoever has asked. */
export type ThanksState = { fileUrl: string | null; bookingUrl: string | null };

export function thanksPage(magnet: Magnet, { fileUrl, bookingUrl }: ThanksState): string {
  const { title, words } = magnet;
  const file =
    fileUrl === null
      ? ""
      : `<p><a class="button" href="${escapeHtml(fileUrl)}">${escapeHtml(words.download)}</a></p>\n`;
  const booking =
    bookingUrl === null
      ? ""
      : `<div class="apart"><p>${escapeHtml(words.booking_invitation)}</p>
<p><a class="button${fileUrl === null ? "" : " second"}" href="${escapeHtml(bookingUrl)}" rel="noreferrer">${escapeHtml(words.booking)}</a></p></div>\n`;
  const message = fileUrl === null ? words.message_without_file : words.message;
  const body = `<main><div class="card single">
<h1>${escapeHtml(words.thanks)}</h1>
<p>${escapeHtml(title)}</p>
<p>${escapeHtml(message)}</p>
${file}${booking}</div></main>`;
  return documentOf(magnet, `${words.thanks}: ${title}`, body, { script: null });
}

/** A link that worked once. */
export function expiredPage(magnet: Magnet): string {
  const { slug, title, words } = magnet;
  const body = `<main><div class="card single">
<h1>${escapeHtml(title)}</h1>
<p>${escapeHtml(words.link_expired)}</p>
<p><a class="button" href="/m/${slug}">${escapeHtml(words.back)}</a></p>
</div></main>`;
  return documentOf(magnet, title, body, { script: null });
}

function keyOf(writeKey: string | null): string {
  return writeKey === null ? "" : `data-key="${escapeHtml(writeKey)}"`;
}

function documentOf(magnet: Magnet, title: string, body: string, { script }: PageContext): string {
  const tracker =
    script === null
      ? ""
      : // The form's own event comes from the server, which alone knows that it was taken.
        `\n<script async src="${escapeHtml(script.path)}" ${keyOf(script.writeKey)} data-auto="page scroll time click"></script>`;
  return `<!doctype html>
<html lang="${magnet.lang}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<link rel="icon" href="data:,">
<style>${styleOf(magnet).text}</style>${tracker}
</head>
<body>
${body}
</body>
</html>
`;
}

function paragraphsOf(text: string): string {
  return text
    .split(/\n\s*\n/)
    .filter((paragraph) => paragraph.trim() !== "")
    .map((paragraph) => `<p>${escapeHtml(paragraph.trim())}</p>`)
    .join("\n");
}
