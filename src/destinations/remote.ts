import type { SignalData } from "../core/signal.ts";
import { jsonOf } from "./answer.ts";
import { briefOf } from "./brief.ts";
import type { OutgoingRequest, Parcel, RemoteDestination, RenderContext } from "./interface.ts";

/** Of what is said about up to two hundred records. */
export const BATCH_ANSWER_MAX_BYTES = 1_048_576;

type RemoteConfig = { allow_private: boolean | string[]; concurrency_max: number };

/** What all destinations behind HTTP take from their config alike. */
export function remoteOptions(
  config: RemoteConfig,
  spacingMs = 0,
): Pick<RemoteDestination, "spacingMs" | "concurrencyMax" | "isPrivateAllowed"> {
  const { allow_private: allowed } = config;
  return {
    spacingMs,
    concurrencyMax: config.concurrency_max,
    isPrivateAllowed: (host) => (typeof allowed === "boolean" ? allowed : allowed.includes(host)),
  };
}

export function jsonRequest(url: string, body: string, headers: { [name: string]: string } = {}): OutgoingRequest {
  return { url, method: "POST", headers: { ...headers, "content-type": "application/json" }, body };
}

/** So that whoever routes requests tells a test from an alarm without reading the body. */
export function testHeaders({ isTest }: Pick<Parcel, "isTest">): { [name: string]: string } {
  return isTest === true ? { "x-do-intent-test": "1" } : {};
}

/** What a CRM is told of how hot somebody is, and why. */
export function recordWords(signal: SignalData, context: RenderContext): { level: string; reasons: string } {
  const { reasons } = briefOf(signal, context);
  if (context.isTest === true) return { level: "test", reasons: ["TEST, and nobody real", ...reasons].join("\n") };
  return { level: signal.magnet?.level ?? signal.threshold.name, reasons: reasons.join("\n") };
}

type StoredRecord = { [field: string]: unknown };

/** The records in a body as it is stored, under the name of their list; none in what was rendered for somebody else. */
export function recordsIn(body: string, list: string): StoredRecord[] {
  const held = (jsonOf({ body }) as { [list: string]: unknown } | null)?.[list];
  return Array.isArray(held) ? held : [];
}

/** The value by which a body's only record is found; null where it has none, or is not alone. */
export function keyIn(body: string, list: string, field: string): string | null {
  const records = recordsIn(body, list);
  const key = records[0]?.[field];
  return typeof key === "string" && records.length === 1 ? key.toLowerCase() : null;
}
