import { z } from "zod";
import { documentOf, type RouteDocument } from "../../http/document.ts";
import { type Cell, escapeHtml, readingPage, tableOf } from "../../http/page.ts";
import type { ListedRoute } from "./assemble.ts";

const HEAD: readonly Cell[] = ["", "who may", "takes", "answers"].map((text) => ({ text, isNumber: false }));

/** The same as openapi.json for people: one table, no script, nothing from elsewhere. */
export function referencePage(routes: readonly ListedRoute[], version: string): Response {
  const rows = routes.flatMap(({ method, path, hooks }) => {
    const document = documentOf(hooks);
    return document === null ? [] : [{ isHeading: false, cells: cellsOf(`${method} ${path}`, document) }];
  });
  return readingPage(
    "DO-Intent: every address",
    `<h1>DO-Intent ${escapeHtml(version)}: every address</h1>
<p>For programs: <a href="/openapi.json">openapi.json</a>. A key goes into Authorization: Bearer sk_…</p>
${tableOf(HEAD, rows)}`,
  );
}

function cellsOf(route: string, { summary, access, query, body, answer }: RouteDocument): Cell[] {
  const given = query === undefined ? [] : Object.keys(query.shape).map((name) => `?${name}`);
  const fields = body?.schema instanceof z.ZodObject ? Object.keys(body.schema.shape).join(", ") : "";
  const sent =
    body === undefined ? [] : [[body.type, fields, body.description ?? ""].filter((part) => part !== "").join(": ")];
  const texts = [`${route}: ${summary}`, access, [...given, ...sent].join(" "), answer.description];
  return texts.map((text) => ({ text, isNumber: false }));
}
