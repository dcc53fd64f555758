import type { ServeOptions } from "../config/commands.ts";
import type { InstanceKeys } from "../instance/keys.ts";

export type BannerFacts = {
  options: ServeOptions;
  port: number;
  keys: InstanceKeys;
  configHash: string;
  publicUrl: string | null;
};

/** What `serve` prints first: all it takes to go on from here. */
export function bannerText({ options, port, keys, configHash, publicUrl }: BannerFacts): string {
  const base = `http://${hostInUrl(options.host)}:${port}`;
  const lines = [
    `do-intent listens on ${base}`,
    `  data folder   ${options.data}`,
    `  config        ${options.config ?? "built in"} (${configHash})`,
    `  script tag    <script async src="${publicUrl ?? base}/s.js" data-key="${keys.writeKey}"></script>`,
    `  write key     ${keys.writeKey}`,
  ];
  const given = givenIn(options);
  if (keys.freshSecretKey !== null && given !== null) {
    lines.push(`  secret key    as given in ${given}`);
  } else if (keys.freshSecretKey !== null) {
    lines.push(
      `  secret key    ${keys.freshSecretKey}`,
      "                shown this once; keep it, it reads everything",
    );
  }
  if (options.origins.length === 0) {
    lines.push("  origins       any site may send; name yours with --origin https://example.com");
  } else lines.push(`  origins       ${options.origins.join(", ")}`);
  if (keys.isGivenKeyIgnored) {
    lines.push(
      `  note          what ${given} holds is none of this data folder's keys, and is not taken; see do-intent keys list`,
    );
  }
  return lines.join("\n");
}

function givenIn({ secretKey, secretKeyFile }: ServeOptions): string | null {
  if (secretKey !== null) return "DO_INTENT_SECRET_KEY";
  return secretKeyFile === null ? null : "DO_INTENT_SECRET_KEY_FILE";
}

/** What listens on every address is reached by name from here; IPv6 stands in brackets. */
function hostInUrl(host: string): string {
  if (host === "0.0.0.0" || host === "::") return "localhost";
  return host.includes(":") ? `[${host}]` : host;
}
