import type { Rules } from "../../core/compile.ts";
import { AppError } from "../../core/error.ts";
import { IDENTIFY_EVENT } from "../../core/event.ts";
import { type Identifier, normalizeIdentifier } from "../../core/identifier.ts";
import { identifyProperties } from "../../core/identify-properties.ts";
import { HONEYPOT, type Magnet, qualifies } from "../../core/magnet.ts";
import type { Engine } from "../../engine/engine.ts";
import { botReasonOf } from "../../http/bots.ts";
import { requestIdOf } from "../../http/request-id.ts";
import type { IdentityTrust } from "../../http/signature.ts";
import { cookieSession, cookieVisitor, type Honour, refusesToBeKnown } from "../../http/visitor.ts";
import { SESSION_ID_LENGTH_MAX, URL_LENGTH_MAX } from "../../http/wire.ts";
import type { FormLimits } from "./form-limits.ts";
import { type FieldErrors, type ReadForm, readForm, type Typed } from "./read-submission.ts";
import { eventIdOf, mintStarted, startedProblem } from "./started.ts";

const FORM_EVENT = "form_submit";

export type RequestDeps = {
  engine: Engine;
  rules: () => Rules;
  honour: () => Honour;
  secret: Buffer;
  formLimits: FormLimits;
  identityTrust: (headers: Headers) => Pick<IdentityTrust, "mode">;
};

/** What somebody gets who has asked. */
export type Grant = { hasFile: boolean; hasBooking: boolean };

/** The request that brings a form, and the network it is from. */
export type Sender = Pick<Request, "headers" | "url"> & { network: string | null };

/** Nothing was taken; the form is shown once more with what was typed. `started` is the token to send next time. */
export type Refusal = { status: 422 | 429; message: string; errors: FieldErrors; typed: Typed; started: string };

export type RequestResult = { grant: Grant; refusal?: never } | { grant?: never; refusal: Refusal };

/** Takes a form in: who it is, that they sent it, and that they asked for this, all in one transaction. */
export async function requestMagnet(
  magnet: Magnet,
  typed: Typed,
  { headers, url, network }: Sender,
  deps: RequestDeps,
): Promise<RequestResult> {
  const { engine, secret, formLimits } = deps;
  const { slug, words } = magnet;
  const nowMs = engine.now();
  const given = typed.started ?? "";
  const refuse = (status: Refusal["status"], message: string, started = given, errors: FieldErrors = {}) => ({
    refusal: { status, message, errors, typed, started },
  });
  const spam = spamReason(typed, headers);
  if (spam !== null) {
    await recordRefused(magnet, typed, spam, nowMs, engine);
    // As if all were well, so that no program learns what gave it away; there is just nothing in it.
    return { grant: { hasFile: false, hasBooking: false } };
  }
  const problem = startedProblem(secret, slug, given, nowMs);
  const isStale = problem === "forged" || problem === "outdated";
  const started = isStale ? mintStarted(secret, slug, nowMs) : given;
  const form = readForm(magnet, typed);
  if ("errors" in form) return refuse(422, words.check_fields, started, form.errors);
  if (problem !== null) {
    if (problem !== "outdated") await recordRefused(magnet, typed, problem, nowMs, engine);
    return refuse(422, isStale ? words.is_outdated : words.was_too_quick, started);
  }
  const exceeded = formLimits.exceeded(form.email, network, nowMs);
  if (exceeded !== null) {
    await recordRefused(magnet, typed, exceeded, nowMs, engine);
    return refuse(429, words.too_many);
  }
  const commands = commandsOf(magnet, form, typed, { headers, url }, deps, nowMs);
  const [identified, submitted] = await engine.submit<(typeof commands)[number]>(commands, [], () =>
    requestIdOf(headers),
  );
  if (identified instanceof AppError) throw identified;
  if (submitted instanceof AppError) throw submitted;
  // Of a form that came twice only the first one counts, and what the person stands at is known all the same.
  const score = scoreIn(submitted) ?? scoreIn(identified);
  const hasBooking = score !== null && qualifies(magnet, { score, answers: form.answers }, deps.rules().thresholds);
  return { grant: { hasFile: magnet.file !== undefined || magnet.url !== undefined, hasBooking } };
}

function scoreIn(outcome: object | undefined): number | null {
  return outcome !== undefined && "score" in outcome && typeof outcome.score === "number" ? outcome.score : null;
}

function spamReason(typed: Typed, headers: Headers): string | null {
  return (typed[HONEYPOT] ?? "") === "" ? botReasonOf(headers) : "honeypot";
}

/** Nothing vanishes silently; what was typed is left out, since it may be anybody's. */
async function recordRefused(magnet: Magnet, typed: Typed, reason: string, nowMs: number, engine: Engine) {
  const known = ["email", ...magnet.fields.map(({ name }) => name)];
  const fields = known.filter((name) => (typed[name] ?? "") !== "");
  const body = JSON.stringify({ magnet: magnet.slug, fields });
  const message = `a form was taken for a machine's: ${reason}`;
  await engine.submit([], [{ rejectedMs: nowMs, code: "forbidden", field: null, message, body }]);
}

/** The very commands of /identify and /track. The form is the address's doing: that is who asked, whatever browser it was. */
function commandsOf(
  { slug, title }: Magnet,
  { email, claims, answers }: ReadForm,
  typed: Typed,
  { headers, url }: Pick<Request, "headers" | "url">,
  { honour, secret, identityTrust }: RequestDeps,
  nowMs: number,
) {
  const isUnknown = refusesToBeKnown(headers, honour());
  const session = typed.session_id || cookieSession(headers) || "";
  const common = {
    occurredMs: nowMs,
    receivedMs: nowMs,
    sessionId: isUnknown || session === "" || session.length > SESSION_ID_LENGTH_MAX ? null : session,
    url: addressOf(typed.url) ?? addressOf(url),
    referrer: addressOf(typed.referrer),
    bot: null,
  };
  const identify = {
    type: "identify" as const,
    claims,
    visitor: isUnknown ? null : visitorOf(typed, headers),
    traits: answers,
    isTrusted: false,
    // Nobody has signed a form.
    isVisitorUnproven: identityTrust(headers).mode === "required",
    event: {
      ...common,
      eventId: Bun.randomUUIDv7(),
      name: IDENTIFY_EVENT,
      properties: identifyProperties(claims, answers),
    },
  };
  const submit = {
    type: "track" as const,
    actor: { kind: "email" as const, value: email },
    isTrusted: false,
    magnet: { slug, title },
    event: {
      ...common,
      eventId: eventIdOf(secret, slug, typed.started ?? "", email),
      name: FORM_EVENT,
      properties: { form: slug, magnet: slug, fields: ["email", ...Object.keys(answers)] },
    },
  };
  return [identify, submit];
}

/** An id that is none is left out: nobody should lose a form over it. */
function visitorOf(typed: Typed, headers: Headers): Identifier | null {
  const said = typed.anonymous_id || cookieVisitor(headers);
  const value = said ? normalizeIdentifier("anonymous_id", said).value : undefined;
  return value === undefined ? null : { kind: "anonymous_id", value };
}

function addressOf(text: string | undefined): string | null {
  return text !== undefined && /^https?:\/\//.test(text) && text.length <= URL_LENGTH_MAX ? text : null;
}
