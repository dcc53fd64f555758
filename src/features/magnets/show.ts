import { AppError } from "../../core/error.ts";
import type { Magnet } from "../../core/magnet.ts";
import type { Clock } from "../../engine/clock.ts";
import type { Log } from "../../http/log.ts";
import { requestIdOf } from "../../http/request-id.ts";
import { checkSignedPath, type LinkProof } from "../../http/signed-link.ts";
import { expiredResponse, grantedLinks, grantOf, missingResponse, pageResponse, thanksResponse } from "./answers.ts";
import { findAsset, serveAsset } from "./file.ts";
import { formPage, type PageContext } from "./pages.ts";
import { mintStarted } from "./started.ts";

/** A browser may show a page again that it has kept, but none whose token is about to end. */
const FRESH_MS = 6 * 60 * 60 * 1_000;
const REFERRER_LENGTH_MAX = 2_000;

export type ShowDeps = {
  now: Clock;
  secret: Buffer;
  log: Log;
  /** Where files lie that the config names. */
  magnetsFolder: () => string;
  pageContext: () => PageContext;
};

export function showForm(magnet: Magnet, { headers, url }: Request, deps: ShowDeps): Response {
  const { now, secret, pageContext } = deps;
  const nowMs = now();
  const state = {
    search: new URL(url).search,
    referrer: referrerOf(headers),
    typed: {},
    errors: {},
    message: null,
  };
  const context = pageContext();
  const lasting = formPage(magnet, { ...state, started: String(Math.floor(nowMs / FRESH_MS)) }, context);
  const etag = `"${new Bun.CryptoHasher("sha256").update(lasting).digest("base64url").slice(0, 22)}"`;
  const common = { "cache-control": "private, no-cache", etag, vary: "Origin, Referer" };
  if (headers.get("if-none-match")?.includes(etag)) return new Response(null, { status: 304, headers: common });
  const html = formPage(magnet, { ...state, started: mintStarted(secret, magnet.slug, nowMs) }, context);
  return pageResponse(magnet, html, 200, common);
}

function referrerOf(headers: Headers): string {
  const referrer = headers.get("referer") ?? "";
  return /^https?:\/\//.test(referrer) && referrer.length <= REFERRER_LENGTH_MAX ? referrer : "";
}

/** What was granted stands in the address itself, signed, and so needs neither a session nor a cookie. */
export function showThanks(magnet: Magnet, granted: string, proof: LinkProof, { now, secret }: ShowDeps): Response {
  return (
    refusal(magnet, `/m/${magnet.slug}/thanks/${granted}`, proof, { now, secret }) ??
    thanksResponse(magnet, grantedLinks(magnet, grantOf(granted), secret, Number(proof.expires)))
  );
}

/** The file, or where it is; whoever has no signed link is told no more than of an address that never was. */
export function giveAsset(magnet: Magnet, proof: LinkProof, headers: Headers, deps: ShowDeps): Response {
  const refused = refusal(magnet, `/m/${magnet.slug}/file`, proof, deps);
  if (refused !== null) return refused;
  const kept = { "cache-control": "private, no-store", "referrer-policy": "no-referrer" };
  if (magnet.url !== undefined) return new Response(null, { status: 302, headers: { ...kept, location: magnet.url } });
  const asset = magnet.file === undefined ? null : findAsset(deps.magnetsFolder(), magnet.file);
  if (asset !== null && magnet.file !== undefined) return serveAsset(asset, magnet.file, headers);
  deps.log.error("magnet_file_missing", { request_id: requestIdOf(headers), magnet: magnet.slug });
  return missingResponse();
}

function refusal(magnet: Magnet, path: string, proof: LinkProof, { now, secret }: Pick<ShowDeps, "now" | "secret">) {
  try {
    checkSignedPath(secret, path, proof, now());
    return null;
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return error.field === "expires" ? expiredResponse(magnet) : missingResponse();
  }
}
