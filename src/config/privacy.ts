import { z } from "zod";
import { DAY_MS, DURATION_PATTERN, parseDurationMs } from "../core/duration.ts";

const HEADER_LENGTH_MAX = 64;

/** What may be read off a browser's request, besides what it sends. Addresses and user agents are never kept. */
export const privacySchema = z.strictObject({
  country_header: z
    .string()
    .max(HEADER_LENGTH_MAX)
    .regex(/^[A-Za-z][\w-]*$/, { error: "must be the name of a header, such as CF-IPCountry" })
    .nullable()
    .default(null)
    .describe("The header in which your proxy names the visitor's country: it becomes the property country of events"),
  device_class: z
    .boolean()
    .default(false)
    .describe(
      "Whether events get the property device_class: desktop, mobile or tablet, told by client hints and user agent",
    ),
});

const duration = () =>
  z
    .string()
    .regex(DURATION_PATTERN, { error: 'must be a number and s, m, h or d, such as "400d"' })
    .refine((text) => parseDurationMs(text) !== null, { error: "must be above zero" })
    .nullable()
    .default(null);

/** How long what is stored is kept; without a word it stays. Scores are sums and keep what the events gave them. */
export const retainSchema = z.strictObject({
  events: duration().describe("Events, and with them the sessions they were in; at least ingest.accept_days"),
  rejected: duration().describe("Refused events"),
  deliveries: duration().describe("Deliveries that arrived or were given up, with what was sent"),
  audit: duration().describe("Who read or changed what"),
  machine_clicks: duration().describe("Clicks on campaign links that were taken for a machine's"),
});

/** An event that may still come, or come again, must find the one and the session that it belongs to. */
export function retainFaults({ events }: RetainConfig, acceptDays: number): string[] {
  if (events === null || (parseDurationMs(events) ?? 0) >= acceptDays * DAY_MS) return [];
  return [`must be at least the ${acceptDays} days of ingest.accept_days; raise it, or lower ingest.accept_days`];
}

export type RetainConfig = z.infer<typeof retainSchema>;
