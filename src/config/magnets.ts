import { join } from "node:path";
import { z } from "zod";
import { magnetSchema } from "../core/magnet.ts";

const MAGNETS_MAX = 50;

export const magnetsSchema = z
  .array(magnetSchema)
  .max(MAGNETS_MAX)
  .default([])
  .describe("What people get for saying who they are: a page at /m/SLUG each, and a form for your own pages");

export const magnetsFolderSchema = z
  .string()
  .min(1)
  .max(1_000)
  .optional()
  .describe("Where the files of magnets are; the folder magnets in the data folder where it is missing");

const FOLDER = "magnets";

export function magnetsFolderOf(
  { magnets_folder: folder }: { magnets_folder?: string | undefined },
  dataFolder: string,
) {
  return folder ?? join(dataFolder, FOLDER);
}

type Fault = { path: (string | number)[]; message: string };

/** What no single field can tell: slugs that stand twice, levels that are none. */
export function magnetFaults(
  magnets: z.infer<typeof magnetsSchema>,
  levels: object,
  namesOf: (group: object) => string,
): Fault[] {
  const faults: Fault[] = [];
  const seen = new Set<string>();
  magnets.forEach(({ slug, booking }, index) => {
    if (seen.has(slug)) {
      faults.push({ path: ["magnets", index, "slug"], message: "stands twice; give each its own" });
    }
    seen.add(slug);
    const level = booking?.when?.level;
    if (level === undefined || Object.hasOwn(levels, level)) return;
    const message = `is none of thresholds; take one of ${namesOf(levels)}`;
    faults.push({ path: ["magnets", index, "booking", "when", "level"], message });
  });
  return faults;
}
