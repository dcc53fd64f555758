import type { OutgoingRequest, RemoteDestination } from "./interface.ts";

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
