import { Elysia } from "elysia";
import { AppError } from "../../core/error.ts";
import type { Magnet } from "../../core/magnet.ts";
import { readBody } from "../../http/body.ts";
import type { Limits } from "../../http/limits.ts";
import {
  grantedLinks,
  linksEndMs,
  missingResponse,
  refusedAnswer,
  refusedHeaders,
  refusedPage,
  takenAnswer,
} from "./answers.ts";
import { FILE, FORM, PAGE, SEND, THANKS } from "./documents.ts";
import { formAnswer } from "./form.ts";
import { MAGNET_BYTES_MAX, readTyped } from "./read-submission.ts";
import { type RequestDeps, requestMagnet, type Sender } from "./request.ts";
import { giveAsset, type ShowDeps, showForm, showThanks } from "./show.ts";

export type MagnetsDeps = ShowDeps &
  RequestDeps & { magnets: () => readonly Magnet[]; limits: Pick<Limits, "networkOf"> };

/**
 * GET  /m/:slug            the page
 * GET  /m/:slug/form.json  {"slug","title","description","lang","button","honeypot","started","words",
 *                           "fields":[{"name","label","type","required","options"?,"autocomplete"?}]}
 *                          type: email text textarea tel number select radio checkbox. One answer is one form: fetch it
 *                          when the form is drawn, since `started` is a token that counts from 2 s to 24 h.
 * POST /m/:slug            urlencoded, or JSON with the fields by name (text, number, true), `started`, the field that
 *                          `honeypot` names left empty, and "anonymous_id","session_id","url","referrer" where known
 *      200 {"download_url","booking_url","message"}   both may be null. download_url is a path of this server, to be
 *                          resolved against its address; booking_url is whole
 *      422, 429 {"error":{"code","message","field"?},"errors":{"email":"…"},"started":"…"}
 *                          message stands over the form, errors beside their fields, and `started` is sent next time
 *      Other than JSON is answered (by Accept, else by content-type) with pages: 303 to the thanks, or the form again.
 * GET  /m/:slug/thanks/…   what was granted, by a signed address; GET /m/:slug/file the file, likewise
 *
 * The form_submit event is stored here: a script that draws the form tells none of its own.
 */
export function magnetRoutes(deps: MagnetsDeps) {
  const find = (slug: string) => deps.magnets().find((magnet) => magnet.slug === slug) ?? null;
  return new Elysia({ name: "magnets" })
    .get(
      "/m/:slug",
      ({ params, request }) => {
        const magnet = find(params.slug);
        return magnet === null ? missingResponse() : showForm(magnet, request, deps);
      },
      PAGE,
    )
    .get(
      "/m/:slug/form.json",
      ({ params, set }) => {
        set.headers["cache-control"] = "private, no-store";
        return formAnswer(find(params.slug) ?? missing(), deps.secret, deps.now());
      },
      FORM,
    )
    .get(
      "/m/:slug/thanks/:granted",
      ({ params, query }) => {
        const magnet = find(params.slug);
        return magnet === null ? missingResponse() : showThanks(magnet, params.granted, query, deps);
      },
      THANKS,
    )
    .get(
      "/m/:slug/file",
      ({ params, query, request }) => {
        const magnet = find(params.slug);
        return magnet === null ? missingResponse() : giveAsset(magnet, query, request.headers, deps);
      },
      FILE,
    )
    .post(
      "/m/:slug",
      ({ params, body, request: { headers, url }, request, server }) => {
        const network = deps.limits.networkOf(headers, server?.requestIP(request)?.address ?? null);
        return take(find(params.slug), body as string, { headers, url, network }, deps);
      },
      { parse: ({ request }) => readBody(request, MAGNET_BYTES_MAX), ...SEND },
    );
}

async function take(magnet: Magnet | null, text: string, sender: Sender, deps: MagnetsDeps): Promise<Response> {
  const isJson = wantsJson(sender.headers);
  if (magnet === null) return isJson ? missing() : missingResponse();
  const { grant, refusal } = await requestMagnet(magnet, readTyped(text, sender.headers), sender, deps);
  if (refusal !== undefined) {
    if (!isJson) return refusedPage(magnet, refusal, sender.url, deps.pageContext());
    return Response.json(refusedAnswer(refusal), { status: refusal.status, headers: refusedHeaders(refusal) });
  }
  const links = grantedLinks(magnet, grant, deps.secret, linksEndMs(magnet, deps.now()));
  if (isJson) return Response.json(takenAnswer(magnet, links), { headers: { "cache-control": "no-store" } });
  return new Response(null, { status: 303, headers: { location: links.thanksUrl, "cache-control": "no-store" } });
}

function wantsJson(headers: Headers): boolean {
  const accept = headers.get("accept") ?? "";
  if (accept.includes("text/html")) return false;
  return accept.includes("application/json") || headers.get("content-type")?.includes("json") === true;
}

function missing(): never {
  throw new AppError("not_found", "no lead magnet has this slug; intent.json lists them under magnets", "slug");
}
