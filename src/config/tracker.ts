import { z } from "zod";

const PATHS_MAX = 4;
const scriptPath = z
  .string()
  .max(100)
  .regex(/^\/[\w-]+\.js$/, { error: "must be a path such as /s.js" });
const eventsPath = z
  .string()
  .max(100)
  .regex(/^\/[\w/-]+$/, { error: "must be a path such as /v1/e" });

/** How the tracker is served; holds from the next start on. */
export const trackerSchema = z.strictObject({
  paths: z
    .strictObject({
      script: z
        .array(scriptPath)
        .min(1)
        .max(PATHS_MAX)
        .default(["/s.js", "/t.js"])
        .describe("Where the script is served"),
      events: eventsPath.default("/v1/e").describe("Where the script sends events, besides /track"),
    })
    .prefault({})
    .describe("Names that browsers see; neutral ones are best, since filter lists block telling ones"),
  honour: z
    .strictObject({
      global_privacy_control: z
        .boolean()
        .default(true)
        .describe("With Sec-GPC the script does nothing, and the server takes no events of the browser"),
      do_not_track: z.boolean().default(true).describe("With Do Not Track the same"),
    })
    .prefault({})
    .describe("Which signals of the browser are obeyed: by the server at once, by the script from the next start on"),
});
