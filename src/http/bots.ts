import { isbot } from "isbot";

/** Programs that people write against our endpoints are not crawlers, although isbot counts them so. */
const PROGRAM_PATTERN =
  /^(apache-httpclient|axios|bun|curl|dart|deno|faraday|go-http-client|got|guzzlehttp|httpie|insomnia|java|node|okhttp|php|postmanruntime|python|reqwest|ruby|undici|wget)\b/i;
const CACHE_MAX = 1_000;

const isBotByAgent = new Map<string, boolean>();

/** Why the sender of a request is a machine, or null. Holds for the whole request; an event may say more. */
export function botReasonOf(headers: Headers): string | null {
  const purpose = headers.get("sec-purpose") ?? headers.get("purpose") ?? headers.get("x-moz");
  if (purpose !== null && /prefetch|prerender|preview/i.test(purpose)) return "prefetch";
  const userAgent = headers.get("user-agent");
  return userAgent !== null && isBotAgent(userAgent) ? "user_agent" : null;
}

function isBotAgent(userAgent: string): boolean {
  const known = isBotByAgent.get(userAgent);
  if (known !== undefined) return known;
  if (isBotByAgent.size >= CACHE_MAX) isBotByAgent.clear();
  const isBot = isbot(userAgent) && !PROGRAM_PATTERN.test(userAgent);
  isBotByAgent.set(userAgent, isBot);
  return isBot;
}
