import type { Json } from "../core/json.ts";
import type { SignalData } from "../core/signal.ts";
import { judgeHttp } from "./answer.ts";
import { briefOf, linesOf } from "./brief.ts";
import type { ConfigOf } from "./config.ts";
import type { RemoteDestination, RenderContext } from "./interface.ts";
import { remoteOptions, testHeaders } from "./remote.ts";
import { readHeaders } from "./secret.ts";
import { signalEnvelope } from "./webhook.ts";

const PLACEHOLDER = /\{\{\s*([A-Za-z0-9_.]+)\s*\}\}/g;
const WHOLE_PLACEHOLDER = /^\{\{\s*([A-Za-z0-9_.]+)\s*\}\}$/;

/** A template for whoever takes JSON. It is filled as data and written out after, so that no value can break out of it. */
export function http(config: ConfigOf<"http">): RemoteDestination {
  return {
    ...remoteOptions(config),
    render: (signal, context) => JSON.stringify(fill(config.body, valuesOf(signal, context))),
    request: async (parcel, { secret }) => ({
      url: await secret(config.url),
      method: config.method,
      headers: {
        "content-type": "application/json",
        "idempotency-key": parcel.deliveryId,
        ...(await readHeaders(config.headers, secret)),
        ...testHeaders(parcel),
      },
      body: parcel.body,
    }),
    judge: judgeHttp,
  };
}

/** What placeholders may name: all of the webhook's data, and the words a person reads. */
function valuesOf(signal: SignalData, context: RenderContext): Json {
  const { type, timestamp, data } = signalEnvelope(signal, context);
  const brief = briefOf(signal, context);
  const who = context.isTest === true ? `TEST ${brief.who}` : brief.who;
  const values = { type, timestamp, ...data, who, heat: brief.heat, link: brief.link };
  return JSON.parse(JSON.stringify({ ...values, text: linesOf(brief).join("\n") }));
}

function fill(template: Json, values: Json): Json {
  if (typeof template === "string") return fillText(template, values);
  if (Array.isArray(template)) return template.map((item) => fill(item, values));
  if (template === null || typeof template !== "object") return template;
  return Object.fromEntries(Object.entries(template).map(([key, item]) => [key, fill(item, values)]));
}

function fillText(template: string, values: Json): Json {
  const whole = WHOLE_PLACEHOLDER.exec(template)?.[1];
  if (whole !== undefined) return valueAt(values, whole);
  return template.replace(PLACEHOLDER, (_, path: string) => {
    const value = valueAt(values, path);
    return value === null ? "" : typeof value === "string" ? value : JSON.stringify(value);
  });
}

function valueAt(values: Json, path: string): Json {
  let value = values;
  for (const key of path.split(".")) {
    if (value === null || typeof value !== "object" || !Object.hasOwn(value, key)) return null;
    value = Array.isArray(value) ? (value[Number(key)] ?? null) : (value[key] ?? null);
  }
  return value;
}
