import { z } from "zod";
import { isAboutAccount, type SignalData } from "../core/signal.ts";
import { jsonOf, judgeHttp } from "./answer.ts";
import type { ConfigOf } from "./config.ts";
import type { Answer, BatchVerdict, RemoteDestination, RenderContext, Verdict } from "./interface.ts";
import { BATCH_ANSWER_MAX_BYTES, jsonRequest, keyIn, recordsIn, recordWords, remoteOptions } from "./remote.ts";

/** HubSpot allows an app a hundred requests in ten seconds. */
const SPACING_MS = 100;
const LIMITED_MS = 10_000;
const DAILY_LIMITED_MS = 3_600_000;
const UPSERT_PATH = "/crm/v3/objects/contacts/batch/upsert";
const HUBSPOT_BATCH_MAX = 100;
/** Refusals of a whole request for what may be the fault of one contact in it, or of how many there are. */
const UNCLEAR_STATUSES = [400, 409, 413];
/** Errors of a contact that pass by themselves. */
const PASSING_CATEGORIES = ["RATE_LIMITS", "INTERNAL_ERROR"];

const partialSchema = z.object({
  numErrors: z.number().optional(),
  results: z.array(z.unknown()).default([]),
  errors: z
    .array(
      z.looseObject({
        category: z.string().optional(),
        context: z.looseObject({ objectWriteTraceId: z.array(z.string()).default([]) }).optional(),
      }),
    )
    .default([]),
});
type PartialAnswer = z.infer<typeof partialSchema>;
const limitedSchema = z.object({ policyName: z.string() });

/** The contact with that e-mail, made where there is none. Setting values twice is setting them once. */
export function hubspot(config: ConfigOf<"hubspot">): RemoteDestination {
  return {
    ...remoteOptions(config, SPACING_MS),
    accepts: (signal) => signal.person.email !== undefined && !isAboutAccount(signal),
    render: (signal, context) => JSON.stringify({ inputs: [inputOf(signal, config, context)] }),
    request: async ({ body }, { secret }) => ({
      ...jsonRequest(`${config.api_url.replace(/\/$/, "")}${UPSERT_PATH}`, body, {
        authorization: `Bearer ${await secret(config.token)}`,
      }),
      answerMaxBytes: BATCH_ANSWER_MAX_BYTES,
    }),
    judge,
    batch: {
      recordsMax: HUBSPOT_BATCH_MAX,
      keyOf: (body) => keyIn(body, "inputs", "id"),
      gather: (bodies) => {
        const inputs = bodies.flatMap((body) => recordsIn(body, "inputs"));
        // With an id for each, the answer says which of them failed and takes the others.
        return JSON.stringify({ inputs: inputs.map((input, index) => ({ ...input, objectWriteTraceId: `${index}` })) });
      },
      judge: judgeBatch,
    },
  };
}

function inputOf(signal: SignalData, { properties }: ConfigOf<"hubspot">, context: RenderContext) {
  const { level, reasons } = recordWords(signal, context);
  return {
    idProperty: "email",
    id: signal.person.email,
    properties: {
      [properties.score]: String(Math.round(signal.score)),
      [properties.level]: level,
      [properties.reasons]: reasons,
    },
  };
}

function judge(answer: Answer, nowMs: number): Verdict {
  const { status } = answer;
  if (status === 207) {
    const partial = partialSchema.safeParse(jsonOf(answer)).data;
    if (partial === undefined) return { outcome: "retry" };
    const [error] = partial.errors;
    if (error !== undefined) return verdictOn(error);
    return { outcome: (partial.numErrors ?? 0) > 0 ? "refused" : "delivered" };
  }
  if (status === 400) return { outcome: "refused" };
  if (status !== 429 || answer.retryAfter !== null) return judgeHttp(answer, nowMs);
  const isDaily = limitedSchema.safeParse(jsonOf(answer)).data?.policyName === "DAILY";
  return { outcome: "limited", afterMs: isDaily ? DAILY_LIMITED_MS : LIMITED_MS };
}

function judgeBatch(answer: Answer, bodies: readonly string[], nowMs: number): BatchVerdict {
  const { status } = answer;
  if (status !== null && UNCLEAR_STATUSES.includes(status)) return { outcome: "unclear" };
  if (status !== 207) return judge(answer, nowMs);
  const partial = partialSchema.safeParse(jsonOf(answer)).data;
  if (partial === undefined) return { outcome: "retry" };
  const errorOf = new Map(
    partial.errors.flatMap((error) => (error.context?.objectWriteTraceId ?? []).map((trace) => [trace, error])),
  );
  const isComplete =
    partial.errors.every(({ context }) => (context?.objectWriteTraceId.length ?? 0) > 0) &&
    (partial.numErrors ?? 0) <= errorOf.size &&
    partial.results.length + errorOf.size >= bodies.length;
  if (!isComplete) return { outcome: "unclear" };
  return {
    outcome: "each",
    records: bodies.map((_, index) => {
      const error = errorOf.get(`${index}`);
      if (error === undefined) return { verdict: { outcome: "delivered" }, said: "" };
      return { verdict: verdictOn(error), said: JSON.stringify(error) };
    }),
  };
}

function verdictOn({ category }: PartialAnswer["errors"][number]): Verdict {
  return { outcome: PASSING_CATEGORIES.includes(category ?? "") ? "retry" : "refused" };
}
