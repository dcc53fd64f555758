import { type SignalData, typeOf } from "../core/signal.ts";
import { judgeHttp } from "./answer.ts";
import type { ConfigOf } from "./config.ts";
import type { Parcel, RemoteDestination, RenderContext } from "./interface.ts";
import { remoteOptions, testHeaders } from "./remote.ts";
import { readHeaders } from "./secret.ts";

const SECRET_PREFIX = "whsec_";

/** Standard Webhooks 1.0: the signature binds id, time and body, so the time is that of this very attempt. */
export function webhook(config: ConfigOf<"webhook">): RemoteDestination {
  return {
    ...remoteOptions(config),
    render: (signal, context) => JSON.stringify(signalEnvelope(signal, context)),
    request: async (parcel, tools) => {
      const references = typeof config.secret === "string" ? [config.secret] : config.secret;
      const secrets = await Promise.all(references.map(tools.secret));
      return {
        url: config.url,
        method: "POST",
        headers: {
          ...(await readHeaders(config.headers, tools.secret)),
          ...signedHeaders(parcel, secrets),
          ...testHeaders(parcel),
        },
        body: parcel.body,
      };
    },
    judge: judgeHttp,
  };
}

function signedHeaders({ deliveryId, body, nowMs }: Parcel, secrets: readonly string[]): { [name: string]: string } {
  const timestamp = String(Math.floor(nowMs / 1_000));
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.startsWith(SECRET_PREFIX) ? secret.slice(SECRET_PREFIX.length) : secret, "base64");
    return `v1,${new Bun.CryptoHasher("sha256", key).update(`${deliveryId}.${timestamp}.${body}`).digest("base64")}`;
  });
  return {
    "content-type": "application/json",
    "webhook-id": deliveryId,
    "webhook-timestamp": timestamp,
    "webhook-signature": signatures.join(" "),
  };
}

/** What machines read: the webhook's body, and a line of the file. */
export function signalEnvelope(signal: SignalData, { isTest }: RenderContext) {
  const { signal_id, created_at, person, threshold, ...rest } = signal;
  const { identities: _, ...known } = person;
  // A request crossed nothing.
  const crossed = signal.magnet === undefined ? { threshold } : {};
  return {
    type: typeOf(signal),
    timestamp: created_at,
    data: { signal_id, person: known, ...crossed, ...rest, ...(isTest === true ? { test: true } : {}) },
  };
}
