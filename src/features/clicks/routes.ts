import { Elysia } from "elysia";
import { documented } from "../../http/document.ts";
import { readingPage } from "../../http/page.ts";
import { type ClickDeps, openLink } from "./open.ts";

/** Nobody on the way keeps it, nobody lists it, and the page learns nothing of the mail. */
const HEADERS = {
  "cache-control": "no-store",
  "referrer-policy": "no-referrer",
  "x-robots-tag": "noindex, nofollow",
} as const;

const OPENS = {
  topic: "Campaigns",
  access: "public",
  path: { slug: "the campaign's slug", link: "the link id of a lead" },
} as const;

const GONE = `<h1>This link leads nowhere any more</h1>
<p>It may have been cut on its way, or the page behind it was taken away.</p>`;

/** A part of the path that cannot be read is null. */
type Asked = { params: { slug: string | null; link: string | null }; request: Request; server: Served | null };
type Served = { requestIP(request: Request): { address: string } | null };

/** GET /c/:slug/:link: where the links of a campaign's mails lead on. */
export function clickRoutes(deps: ClickDeps) {
  const follow = ({ params: { slug, link }, request, server }: Asked): Response => {
    const network = deps.limits.networkOf(request.headers, server?.requestIP(request)?.address ?? null);
    const asked = { isHead: request.method === "HEAD", headers: request.headers, network };
    const location = openLink(slug ?? "", link ?? "", asked, deps);
    if (location === null) return nothingHere();
    return new Response(null, { status: 302, headers: { ...HEADERS, location } });
  };
  const path = "/c/:slug/:link";
  return new Elysia({ name: "clicks" })
    .get(
      path,
      follow,
      documented({
        ...OPENS,
        summary: "Where a campaign's link leads on",
        answer: {
          status: 302,
          type: null,
          description: "to the campaign's landing page; an id that is nobody's leads to the page without one",
        },
      }),
    )
    .head(
      path,
      follow,
      documented({
        ...OPENS,
        summary: "The same without following; counted as a machine's",
        answer: { status: 302, type: null, description: "to the same page" },
      }),
    );
}

function nothingHere(): Response {
  const page = readingPage("Nothing here", GONE);
  return new Response(page.body, { status: 404, headers: { ...Object.fromEntries(page.headers), ...HEADERS } });
}
