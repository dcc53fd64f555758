import { Elysia } from "elysia";
import { documented } from "../../http/document.ts";
import { readingPage } from "../../http/page.ts";
import { assembleOpenApi, type ListedRoute } from "./assemble.ts";
import { PAGE_TITLE, referenceMarkup } from "./page.ts";

/** What there is to call, for programs and for people; made when somebody asks for the first time. */
export function openApiRoutes(listed: () => readonly ListedRoute[], version: string) {
  let json: string | null = null;
  let markup: string | null = null;
  return new Elysia({ name: "openapi" })
    .get(
      "/openapi.json",
      () => {
        json ??= JSON.stringify(assembleOpenApi(listed(), version));
        return new Response(json, { headers: { "content-type": "application/json" } });
      },
      documented({
        topic: "Running it",
        summary: "This document",
        access: "public",
        answer: { description: "OpenAPI 3.1" },
      }),
    )
    .get(
      "/docs",
      () => {
        markup ??= referenceMarkup(listed(), version);
        return readingPage(PAGE_TITLE, markup);
      },
      documented({
        topic: "Running it",
        summary: "Every address, for people",
        access: "public",
        answer: { type: "text/html", description: "a page" },
      }),
    );
}
