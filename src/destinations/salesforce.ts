import { z } from "zod";
import { isAboutAccount, type SignalData } from "../core/signal.ts";
import { jsonOf, judgeHttp } from "./answer.ts";
import type { ConfigOf } from "./config.ts";
import type { Answer, BatchVerdict, RemoteDestination, RenderContext, Verdict } from "./interface.ts";
import { BATCH_ANSWER_MAX_BYTES, keyIn, recordsIn, recordWords, remoteOptions } from "./remote.ts";
import { fetchToken, type Token } from "./salesforce-token.ts";

/** The organisation's daily or concurrent requests are used up. */
const LIMIT_CODE = "REQUEST_LIMIT_EXCEEDED";
const LIMITED_MS = 900_000;
/** Errors of a record that pass by themselves. */
const PASSING_CODES = ["UNABLE_TO_LOCK_ROW", "SERVER_UNAVAILABLE", "TXN_SECURITY_METERING_ERROR"];

const SALESFORCE_BATCH_MAX = 200;
/** Refusals of a whole request for what may be the fault of one record in it, or of how many there are. */
const UNCLEAR_STATUSES = [300, 400, 413];

const resultsSchema = z.array(
  z.object({ success: z.boolean(), errors: z.array(z.looseObject({ statusCode: z.string() })).default([]) }),
);
const faultsSchema = z.array(z.object({ errorCode: z.string() }));

/** The record with that e-mail as external id. Setting values twice is setting them once. */
export function salesforce(config: ConfigOf<"salesforce">): RemoteDestination {
  let token: Token | null = null;
  return {
    ...remoteOptions(config),
    accepts: (signal) => signal.person.email !== undefined && !isAboutAccount(signal),
    render: (signal, context) => JSON.stringify({ allOrNone: false, records: [recordOf(signal, config, context)] }),
    request: async ({ body, nowMs }, tools) => {
      if (token === null || token.untilMs <= nowMs) token = await fetchToken(config, tools, nowMs);
      const { object, external_id_field, api_version } = config;
      const path = `/services/data/v${api_version}/composite/sobjects/${object}/${external_id_field}`;
      return {
        url: new URL(path, token.instanceUrl).href,
        method: "PATCH",
        headers: { authorization: `Bearer ${token.accessToken}`, "content-type": "application/json" },
        body,
        answerMaxBytes: BATCH_ANSWER_MAX_BYTES,
      };
    },
    judge: (answer, nowMs) => {
      if (answer.status === 401) token = null;
      return judge(answer, nowMs);
    },
    batch: {
      recordsMax: SALESFORCE_BATCH_MAX,
      keyOf: (body) => keyIn(body, "records", config.external_id_field),
      gather: (bodies) =>
        JSON.stringify({ allOrNone: false, records: bodies.flatMap((body) => recordsIn(body, "records")) }),
      judge: (answer, bodies, nowMs) => {
        if (answer.status === 401) token = null;
        return judgeBatch(answer, bodies, nowMs);
      },
    },
  };
}

function recordOf(signal: SignalData, config: ConfigOf<"salesforce">, context: RenderContext) {
  const { object, external_id_field, fields, write_name } = config;
  const { email = "", traits } = signal.person;
  const { level, reasons } = recordWords(signal, context);
  const name = [traits.last_name, traits.name, email.split("@")[0]].find((part) => typeof part === "string");
  return {
    attributes: { type: object },
    [external_id_field]: email,
    [fields.score]: Math.round(signal.score),
    [fields.level]: level,
    [fields.reasons]: reasons,
    ...(write_name ? { LastName: name } : {}),
    ...(write_name && object === "Lead" ? { Company: traits.company ?? signal.account?.domain ?? "unknown" } : {}),
  };
}

/** 200 stands over the record's own result; 300 means that the e-mail is on several records, which a person must mend. */
function judge(answer: Answer, nowMs: number): Verdict {
  const { status } = answer;
  if (status === 200) return judgeResults(answer);
  if (status === 300 || status === 400) return { outcome: "refused" };
  const faults = faultsSchema.safeParse(jsonOf(answer)).data ?? [];
  if (faults.some(({ errorCode }) => errorCode === LIMIT_CODE)) return { outcome: "limited", afterMs: LIMITED_MS };
  return judgeHttp(answer, nowMs);
}

/** The results stand in the order of the records. */
function judgeBatch(answer: Answer, bodies: readonly string[], nowMs: number): BatchVerdict {
  const { status } = answer;
  if (status !== null && UNCLEAR_STATUSES.includes(status)) return { outcome: "unclear" };
  if (status !== 200) return judge(answer, nowMs);
  const results = resultsSchema.safeParse(jsonOf(answer)).data;
  if (results?.length !== bodies.length) return { outcome: "retry" };
  return {
    outcome: "each",
    records: results.map((result) => ({
      verdict: verdictOn(result),
      said: result.success ? "" : JSON.stringify(result.errors),
    })),
  };
}

function judgeResults(answer: Answer): Verdict {
  const [result] = resultsSchema.safeParse(jsonOf(answer)).data ?? [];
  return result === undefined ? { outcome: "retry" } : verdictOn(result);
}

function verdictOn({ success, errors }: z.infer<typeof resultsSchema>[number]): Verdict {
  if (success) return { outcome: "delivered" };
  return { outcome: errors.every(({ statusCode }) => PASSING_CODES.includes(statusCode)) ? "retry" : "refused" };
}
