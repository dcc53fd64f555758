import { createPublicKey, createVerify } from "node:crypto";
import type { ServerResponse } from "node:http";
import type { Behaviour, Received } from "./receiver.ts";

/** Servers that hold their callers to the vendors' documented contracts: shape, authorization, limits, errors. */

const json = (response: ServerResponse, status: number, body: unknown): void => {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
};
const text = (response: ServerResponse, status: number, body: string): void => {
  response.writeHead(status).end(body);
};
const isJsonPost = ({ method, headers }: Received): boolean =>
  method === "POST" && headers["content-type"] === "application/json";

const SLACK_TEXT_MAX = 3_000;
const SLACK_BLOCKS_MAX = 50;

export const slackServer: Behaviour = (request, response) => {
  if (request.path !== "/services/T1/B1/token") return text(response, 404, "no_service");
  const message = JSON.parse(request.body);
  if (!isJsonPost(request)) return text(response, 400, "invalid_payload");
  if (typeof message.text !== "string" || message.text === "") return text(response, 400, "no_text");
  const texts = message.blocks.flatMap((block: { text?: object; elements?: object[] }) => block.text ?? block.elements);
  const isValid =
    message.blocks.length <= SLACK_BLOCKS_MAX &&
    message.blocks.every(({ type }: { type: string }) => type === "section" || type === "context") &&
    texts.every(
      (held: { type: string; text: string }) =>
        held.type === "mrkdwn" && held.text.length > 0 && held.text.length <= SLACK_TEXT_MAX,
    );
  return isValid ? text(response, 200, "ok") : text(response, 400, "invalid_blocks");
};

const TELEGRAM_TEXT_MAX = 4_096;

export const telegramServer: Behaviour = (request, response) => {
  const fail = (status: number, description: string) =>
    json(response, status, { ok: false, error_code: status, description });
  if (request.path !== "/bot123:abc/sendMessage") return fail(401, "Unauthorized");
  const message = JSON.parse(request.body);
  if (message.chat_id !== -100) return fail(400, "Bad Request: chat not found");
  if (typeof message.text !== "string" || message.text === "") return fail(400, "Bad Request: message text is empty");
  if (message.text.length > TELEGRAM_TEXT_MAX) return fail(400, "Bad Request: message is too long");
  if ("parse_mode" in message) return fail(400, "Bad Request: can't parse entities");
  for (const { type, offset, length, url } of message.entities) {
    const isInside = offset >= 0 && length > 0 && offset + length <= message.text.length;
    if (!isInside || (type === "text_link" && typeof url !== "string")) return fail(400, "Bad Request: bad entity");
  }
  return json(response, 200, { ok: true, result: { message_id: 1 } });
};

const TEAMS_MAX_BYTES = 28 * 1024;

export const teamsServer: Behaviour = (request, response) => {
  const message = JSON.parse(request.body);
  const [attachment] = message.attachments;
  const isValid =
    isJsonPost(request) &&
    message.type === "message" &&
    attachment.contentType === "application/vnd.microsoft.card.adaptive" &&
    attachment.content.type === "AdaptiveCard" &&
    attachment.content.body.length > 0;
  if (Buffer.byteLength(request.body) > TEAMS_MAX_BYTES) return text(response, 413, "");
  return isValid ? text(response, 202, "") : text(response, 400, "TriggerInputSchemaMismatch");
};

const DISCORD_DESCRIPTION_MAX = 4_096;
const DISCORD_TITLE_MAX = 256;

export const discordServer: Behaviour = (request, response) => {
  if (request.path !== "/api/webhooks/1/token")
    return json(response, 404, { message: "Unknown Webhook", code: 10_015 });
  const { allowed_mentions, embeds } = JSON.parse(request.body);
  const isValid = embeds.every(
    ({ title, description }: { title: string; description: string }) =>
      title.length <= DISCORD_TITLE_MAX && description.length <= DISCORD_DESCRIPTION_MAX,
  );
  if (!isJsonPost(request) || !isValid) return json(response, 400, { message: "Invalid Form Body", code: 50_035 });
  if (allowed_mentions.parse.length > 0) return json(response, 400, { message: "somebody would be pinged" });
  return response.writeHead(204).end();
};

export const hubspotServer: Behaviour = (request, response) => {
  const fail = (status: number, category: string) =>
    json(response, status, { status: "error", category, message: "refused", correlationId: "c" });
  if (request.path !== "/crm/v3/objects/contacts/batch/upsert" || !isJsonPost(request))
    return fail(404, "OBJECT_NOT_FOUND");
  if (request.headers.authorization !== "Bearer pat-1") return fail(401, "INVALID_AUTHENTICATION");
  const { inputs } = JSON.parse(request.body);
  for (const { id, idProperty, properties } of inputs) {
    const isValid =
      idProperty === "email" &&
      /^[^@]+@[^@]+$/.test(id) &&
      Object.entries(properties).every(
        ([name, value]) => /^(intent_score|intent_level|intent_reasons)$/.test(name) && typeof value === "string",
      );
    if (!isValid) return fail(400, "VALIDATION_ERROR");
  }
  return json(response, 200, { status: "COMPLETE", results: inputs.map(() => ({ id: "1", new: true })) });
};

/** Both grants; the assertion is verified with the key the app was given. */
export const salesforceServer =
  (origin: () => string, publicKey: string): Behaviour =>
  (request, response) => {
    if (request.path === "/services/oauth2/token") {
      const form = new URLSearchParams(request.body);
      const isGranted =
        form.get("grant_type") === "client_credentials"
          ? form.get("client_id") === "app" && form.get("client_secret") === "hush"
          : isGoodAssertion(form.get("assertion") ?? "", publicKey);
      if (!isGranted) return json(response, 400, { error: "invalid_client", error_description: "invalid" });
      return json(response, 200, { access_token: "00Dtoken", instance_url: origin(), token_type: "Bearer" });
    }
    if (request.headers.authorization !== "Bearer 00Dtoken") {
      return json(response, 401, [{ errorCode: "INVALID_SESSION_ID", message: "Session expired or invalid" }]);
    }
    if (
      request.method !== "PATCH" ||
      request.path !== "/services/data/v62.0/composite/sobjects/Contact/Intent_Email__c"
    ) {
      return json(response, 404, [{ errorCode: "NOT_FOUND", message: "no such resource" }]);
    }
    const { records } = JSON.parse(request.body);
    const isValid = records.every(
      (record: { attributes?: { type: string }; Intent_Email__c?: string; Id?: string }) =>
        record.attributes?.type === "Contact" && record.Intent_Email__c !== undefined && record.Id === undefined,
    );
    if (!isValid) return json(response, 400, [{ errorCode: "JSON_PARSER_ERROR", message: "bad record" }]);
    return json(response, 200, [{ id: "003", success: true, errors: [], created: true }]);
  };

function isGoodAssertion(assertion: string, publicKey: string): boolean {
  const [header = "", claims = "", signature = ""] = assertion.split(".");
  const verify = createVerify("RSA-SHA256").update(`${header}.${claims}`);
  const { iss, sub, aud, exp } = JSON.parse(Buffer.from(claims, "base64url").toString());
  const isKnown = iss === "app" && sub === "robot@acme.com" && aud === "https://login.salesforce.com";
  return isKnown && Number.isInteger(exp) && verify.verify(createPublicKey(publicKey), signature, "base64url");
}
