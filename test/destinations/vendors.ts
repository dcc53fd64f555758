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

const HUBSPOT_INPUTS_MAX = 100;
/** Addresses there are refused by either CRM, as those are that no mail could reach. */
export const REFUSED_DOMAIN = "refused.example";

type Input = { id: string; idProperty: string; properties: object; objectWriteTraceId?: string };

/** One fault sinks the whole request, unless each input has an id under which the answer can name it. */
export const hubspotServer: Behaviour = (request, response) => {
  const fail = (status: number, category: string) =>
    json(response, status, { status: "error", category, message: "refused", correlationId: "c" });
  if (request.path !== "/crm/v3/objects/contacts/batch/upsert" || !isJsonPost(request))
    return fail(404, "OBJECT_NOT_FOUND");
  if (request.headers.authorization !== "Bearer pat-1") return fail(401, "INVALID_AUTHENTICATION");
  const { inputs } = JSON.parse(request.body) as { inputs?: Input[] };
  if (inputs === undefined || inputs.length > HUBSPOT_INPUTS_MAX) return fail(400, "VALIDATION_ERROR");
  const isUnique = (values: unknown[]) => new Set(values).size === inputs.length;
  if (!isUnique(inputs.map(({ id }) => id.toLowerCase()))) return fail(400, "VALIDATION_ERROR");
  const isShapely = inputs.every(
    ({ id, idProperty, properties }) =>
      idProperty === "email" &&
      /^[^@]+@[^@]+$/.test(id) &&
      Object.entries(properties).every(
        ([name, value]) => /^(intent_score|intent_level|intent_reasons)$/.test(name) && typeof value === "string",
      ),
  );
  const refused = inputs.filter(({ id }) => id.endsWith(REFUSED_DOMAIN));
  const traces = inputs.map(({ objectWriteTraceId }) => objectWriteTraceId);
  const isTraced = isUnique(traces) && traces.every((trace) => typeof trace === "string");
  if (!isShapely || (refused.length > 0 && !isTraced)) return fail(400, "VALIDATION_ERROR");
  const results = inputs
    .filter((input) => !refused.includes(input))
    .map(({ id, objectWriteTraceId }) => ({ id: "1", new: true, properties: { email: id }, objectWriteTraceId }));
  if (refused.length === 0) return json(response, 200, { status: "COMPLETE", results });
  const errors = refused.map(({ id, objectWriteTraceId }) => ({
    status: "error",
    category: "VALIDATION_ERROR",
    message: `Property values were not valid: ${id} is no e-mail`,
    context: { objectWriteTraceId: [objectWriteTraceId] },
  }));
  return json(response, 207, { status: "COMPLETE", results, numErrors: errors.length, errors });
};

const SALESFORCE_RECORDS_MAX = 200;
type SalesforceRecord = { attributes?: { type: string }; Intent_Email__c?: string; Id?: string };

function salesforceResults(records: SalesforceRecord[]): object[] {
  const times = Map.groupBy(records, ({ Intent_Email__c }) => Intent_Email__c?.toLowerCase());
  const failed = (statusCode: string) => ({ success: false, errors: [{ statusCode, message: "no", fields: [] }] });
  return records.map(({ Intent_Email__c: email = "" }) => {
    if ((times.get(email.toLowerCase())?.length ?? 0) > 1) return failed("DUPLICATE_VALUE");
    if (email.endsWith(REFUSED_DOMAIN)) return failed("INVALID_EMAIL_ADDRESS");
    return { id: "003", success: true, errors: [], created: true };
  });
}

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
    const { allOrNone, records } = JSON.parse(request.body) as { allOrNone?: boolean; records: SalesforceRecord[] };
    const isValid =
      allOrNone === false &&
      records.length <= SALESFORCE_RECORDS_MAX &&
      records.every(
        (record) =>
          record.attributes?.type === "Contact" && record.Intent_Email__c !== undefined && record.Id === undefined,
      );
    if (!isValid) return json(response, 400, [{ errorCode: "JSON_PARSER_ERROR", message: "bad record" }]);
    return json(response, 200, salesforceResults(records));
  };

function isGoodAssertion(assertion: string, publicKey: string): boolean {
  const [header = "", claims = "", signature = ""] = assertion.split(".");
  const verify = createVerify("RSA-SHA256").update(`${header}.${claims}`);
  const { iss, sub, aud, exp } = JSON.parse(Buffer.from(claims, "base64url").toString());
  const isKnown = iss === "app" && sub === "robot@acme.com" && aud === "https://login.salesforce.com";
  return isKnown && Number.isInteger(exp) && verify.verify(createPublicKey(publicKey), signature, "base64url");
}
