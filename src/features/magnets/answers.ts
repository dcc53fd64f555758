import { AppError } from "../../core/error.ts";
import { type Magnet, magnetSchema } from "../../core/magnet.ts";
import { type ErrorBody, errorBody } from "../../http/errors.ts";
import { signPath } from "../../http/signed-link.ts";
import { expiredPage, formPage, type PageContext, thanksPage } from "./pages.ts";
import type { FieldErrors } from "./read-submission.ts";
import type { Grant, Refusal } from "./request.ts";
import { styleOf } from "./style.ts";

const HOUR_MS = 60 * 60 * 1_000;
/** By then there is room for one more form, with that address and from that network. */
const RETRY_AFTER_S = 360;

export type TakenAnswer = { download_url: string | null; booking_url: string | null; message: string };
export type RefusedAnswer = ErrorBody & { errors: FieldErrors; started: string };

/** What a granted request leads to; paths of this server, which scripts resolve against its address. */
export type Granted = { fileUrl: string | null; bookingUrl: string | null; thanksUrl: string };

/** When all links of a request made now end; a page that is read later gives no later ones. */
export function linksEndMs({ link_hours: hours }: Magnet, nowMs: number): number {
  return nowMs + hours * HOUR_MS;
}

export function grantedLinks(
  magnet: Magnet,
  { hasFile, hasBooking }: Grant,
  secret: Buffer,
  expiresMs: number,
): Granted {
  const { slug, booking } = magnet;
  return {
    fileUrl: hasFile ? signPath(secret, `/m/${slug}/file`, expiresMs) : null,
    bookingUrl: hasBooking ? (booking?.url ?? null) : null,
    thanksUrl: signPath(secret, `/m/${slug}/thanks/${grantName({ hasFile, hasBooking })}`, expiresMs),
  };
}

/** The grant as it stands in the address of the thank-you page; the signature holds it. */
function grantName({ hasFile, hasBooking }: Grant): string {
  return `${hasFile ? "1" : "0"}${hasBooking ? "1" : "0"}`;
}

export function grantOf(name: string): Grant {
  return { hasFile: name[0] === "1", hasBooking: name[1] === "1" };
}

export function takenAnswer({ words }: Magnet, { fileUrl, bookingUrl }: Granted): TakenAnswer {
  const message = fileUrl === null ? words.message_without_file : words.message;
  return { download_url: fileUrl, booking_url: bookingUrl, message };
}

export function refusedAnswer({ status, message, errors, started }: Refusal): RefusedAnswer {
  const [field] = Object.keys(errors);
  const error = new AppError(status === 429 ? "overloaded" : "invalid", message, field ?? null);
  return { ...errorBody(error), errors, started };
}

export function refusedPage(magnet: Magnet, refusal: Refusal, url: string, context: PageContext): Response {
  const { typed, errors, message, started, status } = refusal;
  const state = { started, search: new URL(url).search, referrer: typed.referrer ?? "", typed, errors, message };
  return pageResponse(magnet, formPage(magnet, state, context), status, refusedHeaders(refusal));
}

/** Nobody keeps a refusal, and whoever is limited is told when to come back. */
export function refusedHeaders({ status }: Refusal): { [name: string]: string } {
  return { "cache-control": "no-store", ...(status === 429 ? { "retry-after": String(RETRY_AFTER_S) } : {}) };
}

export function thanksResponse(magnet: Magnet, granted: Granted): Response {
  return pageResponse(magnet, thanksPage(magnet, granted), 200, PRIVATE);
}

export function expiredResponse(magnet: Magnet): Response {
  return pageResponse(magnet, expiredPage(magnet), 410, PRIVATE);
}

/** For whoever followed a link to what is no longer, or was never, there. */
export function missingResponse(): Response {
  nothing ??= nothingThere();
  return pageResponse(nothing, thanksPage(nothing, { fileUrl: null, bookingUrl: null }), 404, PRIVATE);
}

const PRIVATE = { "cache-control": "private, no-store", "referrer-policy": "no-referrer", "x-robots-tag": "noindex" };

/** Made when first needed: a schema takes some milliseconds for its first parse, and a start should not wait for it. */
let nothing: Magnet | null = null;

function nothingThere(): Magnet {
  return magnetSchema.parse({
    slug: "nothing",
    title: "The address may be mistyped, or the offer has ended.",
    words: { thanks: "There is nothing here", message_without_file: "Please go back to where you came from." },
  });
}

/**
 * Nothing from elsewhere, no script and no style but our own. The address of a form goes to ourselves only, where the
 * browser has to name it: without it a form's origin would be hidden, and the form refused.
 */
export function pageResponse(
  magnet: Magnet,
  html: string,
  status: number,
  headers: { [name: string]: string },
): Response {
  return new Response(html, {
    status,
    headers: {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": `default-src 'none'; style-src 'sha256-${styleOf(magnet).hash}'; script-src 'self'; connect-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
      "referrer-policy": "same-origin",
      "x-content-type-options": "nosniff",
      "x-frame-options": "DENY",
      ...headers,
    },
  });
}
