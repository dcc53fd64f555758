import { Elysia } from "elysia";
import { documented } from "../../http/document.ts";
import { assembleOpenApi, type ListedRoute } from "./assemble.ts";
import { referencePage } from "./page.ts";

/** What there is to call, for programs and for people; made when somebody asks for the first time. */
export function openApiRoutes(listed: () => readonly ListedRoute[], version: string) {
  let document: object | null = null;
  return new Elysia({ name: "openapi" })
    .get(
      "/openapi.json",
      () => {
        document ??= assembleOpenApi(listed(), version);
        return document;
      },
      documented({
        summary: "This document",
        access: "public",
        answer: { description: "OpenAPI 3.1" },
      }),
    )
    .get(
      "/docs",
      () => referencePage(listed(), version),
      documented({
        summary: "Every address, for people",
        access: "public",
        answer: { type: "text/html", description: "a page" },
      }),
    );
}
