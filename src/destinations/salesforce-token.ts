import { z } from "zod";
import { jsonOf } from "./answer.ts";
import type { ConfigOf } from "./config.ts";
import { type Answer, NotSendable, type Tools } from "./interface.ts";

const TOKEN_PATH = "/services/oauth2/token";
const ASSERTION_LIFE_MS = 180_000;
/** Salesforce does not say how long a token lives; the shortest an organisation may set is fifteen minutes. */
const TOKEN_LIFE_MS = 600_000;
const SALESFORCE_HOSTS = [".salesforce.com", ".salesforce.mil", ".cloudforce.com"];

const tokenSchema = z.object({ access_token: z.string().min(1), instance_url: z.url() });

export type Token = { accessToken: string; instanceUrl: string; untilMs: number };

/** A token by client credentials, or by a signed assertion on behalf of a user. */
export async function fetchToken(config: ConfigOf<"salesforce">, tools: Tools, nowMs: number): Promise<Token> {
  const answer = await tools.exchange({
    url: new URL(TOKEN_PATH, config.login_url).href,
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded", accept: "application/json" },
    body: new URLSearchParams(await grantOf(config, tools, nowMs)).toString(),
  });
  const token = answer.status === 200 ? tokenSchema.safeParse(jsonOf(answer)).data : undefined;
  if (token === undefined) throw new NotSendable({ ...answer, body: `no token was given: ${errorOf(answer)}` });
  if (!isTrustedHost(token.instance_url, config.login_url)) {
    throw new NotSendable({ ...answer, body: "the token is for a host that is not Salesforce's" });
  }
  return { accessToken: token.access_token, instanceUrl: token.instance_url, untilMs: nowMs + TOKEN_LIFE_MS };
}

async function grantOf(
  config: ConfigOf<"salesforce">,
  { secret }: Tools,
  nowMs: number,
): Promise<{ [field: string]: string }> {
  const { client_id, client_secret, private_key, username, audience } = config;
  if (client_secret !== undefined) {
    return { grant_type: "client_credentials", client_id, client_secret: await secret(client_secret) };
  }
  const claims = { iss: client_id, sub: username, aud: audience, exp: Math.floor((nowMs + ASSERTION_LIFE_MS) / 1_000) };
  const unsigned = [{ alg: "RS256", typ: "JWT" }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
    .join(".");
  // Loaded here, since it would cost every start more than the whole database does.
  const { createSign } = await import("node:crypto");
  const signature = createSign("RSA-SHA256")
    .update(unsigned)
    .sign(await secret(private_key ?? ""), "base64url");
  return { grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer", assertion: `${unsigned}.${signature}` };
}

/** The short code only: the description may quote what was sent. */
function errorOf(answer: Answer): string {
  const said = z.object({ error: z.string().max(100) }).safeParse(jsonOf(answer)).data;
  return said?.error ?? answer.body.slice(0, 100);
}

/** The answer names the host that the signals then go to: it must be the one configured, or the vendor's. */
function isTrustedHost(instanceUrl: string, loginUrl: string): boolean {
  const instance = new URL(instanceUrl);
  const login = new URL(loginUrl);
  if (instance.origin === login.origin) return true;
  return instance.protocol === "https:" && SALESFORCE_HOSTS.some((suffix) => instance.hostname.endsWith(suffix));
}
