import { type IntentConfig, parseIntentConfig } from "../../config/intent.ts";
import { readIntentConfig } from "../../config/read.ts";
import { type Finding, fail, ok, warn } from "./finding.ts";

/** The config as it would be read now; null where it does not hold. */
export function examineConfig(
  path: string | null,
  origins: readonly string[],
): { config: IntentConfig | null; findings: Finding[] } {
  const parsed = path === null ? parseIntentConfig("{}") : readIntentConfig(path);
  if (parsed.problems !== undefined) {
    const remedy = `mend ${path}; do-intent config check says every place. A running server goes on with the last good one`;
    return { config: null, findings: [fail("config", parsed.problems.join("; "), remedy)] };
  }
  const { config, hash } = parsed;
  const holds = ok("config", `${path ?? "the built-in one"} holds (${hash})`);
  return { config, findings: [holds, publicUrlOf(config), originsOf(origins)] };
}

function publicUrlOf({ public_url: publicUrl }: IntentConfig): Finding {
  const check = "public_url";
  if (publicUrl === undefined) {
    return warn(
      check,
      "is not set: messages carry no links, and the script tag names no host",
      "set it in intent.json",
    );
  }
  const { protocol, hostname } = new URL(publicUrl);
  if (protocol === "https:") return ok(check, publicUrl);
  const isLocal = hostname === "localhost" || hostname === "127.0.0.1" || hostname === "[::1]";
  return warn(
    check,
    isLocal ? `${publicUrl} is this machine only` : `${publicUrl} is not https, and pages with https cannot send there`,
    "put a proxy with TLS in front, and name its address",
  );
}

function originsOf(origins: readonly string[]): Finding {
  if (origins.length > 0) return ok("origins", origins.join(", "));
  return warn(
    "origins",
    "none is named here, so any site may send from browsers",
    "give the server's --origin, or DO_INTENT_ORIGIN, to this command too, or name your sites there",
  );
}
