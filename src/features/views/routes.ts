import { Elysia } from "elysia";
import { csvHeaders } from "../../http/csv.ts";
import { documented } from "../../http/document.ts";
import type { Keys } from "../../http/keys.ts";
import { readQuery } from "../../http/query.ts";
import { listViews } from "./read.ts";
import { toViewQuery, viewQuerySchema } from "./schema.ts";
import type { ViewQuery } from "./view.ts";

/** A view as text, since whoever asked for it only hands it on. */
export type ViewText = { text: string; nextCursor: string | null };

export type ViewsDeps = {
  keys: Keys;
  /** Beside the loop. */
  readView: (name: string, query: ViewQuery, format: "json" | "csv") => Promise<ViewText>;
};

const CSV_ENDING = ".csv";

/** The tables that a sales team looks at every morning, for secret keys only. */
export function viewRoutes({ keys, readView }: ViewsDeps) {
  return new Elysia({ name: "views" })
    .onBeforeHandle(({ request }) => void keys.require(request.headers, "read"))
    .get(
      "/views",
      () => listViews(),
      documented({
        topic: "Reports",
        summary: "The views there are",
        access: "read",
        answer: { description: "views, each with what it shows" },
      }),
    )
    .get(
      "/views/:name",
      async ({ params, query }) => {
        const asked = readQuery(viewQuerySchema, query);
        const isCsv = asked.format === "csv" || params.name.endsWith(CSV_ENDING);
        const name = params.name.endsWith(CSV_ENDING) ? params.name.slice(0, -CSV_ENDING.length) : params.name;
        return answerOf(name, isCsv, await readView(name, toViewQuery(asked, isCsv), isCsv ? "csv" : "json"));
      },
      documented({
        topic: "Reports",
        summary: "A table for a sales team",
        access: "read",
        path: { name: "the name of a view, with .csv behind it for a file" },
        query: viewQuerySchema,
        answer: {
          type: ["application/json", "text/csv"],
          description: "rows; of a file, the header next-cursor says where the next begins",
        },
      }),
    );
}

/** Of a file, where the next rows begin stands in a header. */
function answerOf(name: string, isCsv: boolean, { text, nextCursor }: ViewText): Response {
  const headers = isCsv ? csvHeaders(`${name}.csv`) : { "content-type": "application/json" };
  return new Response(text, { headers: { ...headers, ...(nextCursor === null ? {} : { "next-cursor": nextCursor }) } });
}
