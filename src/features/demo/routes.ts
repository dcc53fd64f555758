import { Elysia } from "elysia";
import contact from "../../../test/e2e/site/contact.html" with { type: "text" };
import home from "../../../test/e2e/site/index.html" with { type: "text" };
import panel from "../../../test/e2e/site/panel.html" with { type: "text" };
import pricing from "../../../test/e2e/site/pricing.html" with { type: "text" };
import thanks from "../../../test/e2e/site/thanks.html" with { type: "text" };
import { AppError } from "../../core/error.ts";

// The types know HTML imports only as bundles; these come as text.
const text = { contact, home, panel, pricing, thanks } as unknown as Record<string, string>;
const nameOf: ReadonlyMap<string, string> = new Map([
  ["/", "home"],
  ["/pricing", "pricing"],
  ["/contact", "contact"],
  ["/thanks", "thanks"],
]);

/**
 * The pages of a made-up company, with a panel that shows what the server makes of the visitor. The panel reads with
 * the secret key, so this is only for a server that is made for it and listens to this machine alone.
 */
export function demoRoutes(secretKey: string) {
  const routes = new Elysia({ name: "demo" });
  const shown = text.panel?.replace("SECRET_KEY", secretKey) ?? "";
  for (const [path, name] of nameOf) {
    const html = text[name]?.replace("<!-- panel -->", shown);
    routes.get(path, ({ request: { headers } }) => {
      if (!isOwnPage(headers)) throw new AppError("forbidden", "this is for a browser on this machine alone");
      return new Response(html, { headers: { "content-type": "text/html; charset=utf-8" } });
    });
  }
  return routes;
}

/** Neither a page of another site, which would name itself, nor a foreign name that leads to this machine. */
function isOwnPage(headers: Headers): boolean {
  return !headers.has("origin") && /^(localhost|127\.0\.0\.1)(:\d+)?$/.test(headers.get("host") ?? "");
}
