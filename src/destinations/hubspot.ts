import { z } from "zod";
import { isAboutAccount, type SignalData } from "../core/signal.ts";
import { jsonOf, judgeHttp } from "./answer.ts";
import { briefOf } from "./brief.ts";
import type { ConfigOf } from "./config.ts";
import type { Answer, RemoteDestination, RenderContext, Verdict } from "./interface.ts";
import { jsonRequest, remoteOptions } from "./remote.ts";

/** HubSpot allows an app a hundred requests in ten seconds. */
const SPACING_MS = 100;
const LIMITED_MS = 10_000;
const DAILY_LIMITED_MS = 3_600_000;
const UPSERT_PATH = "/crm/v3/objects/contacts/batch/upsert";

const partialSchema = z.object({ numErrors: z.number().optional(), errors: z.array(z.unknown()).optional() });
const limitedSchema = z.object({ policyName: z.string() });

/** The contact with that e-mail, made where there is none. Setting values twice is setting them once. */
export function hubspot(config: ConfigOf<"hubspot">): RemoteDestination {
  return {
    ...remoteOptions(config, SPACING_MS),
    accepts: (signal) => signal.person.email !== undefined && !isAboutAccount(signal),
    render: (signal, context) => JSON.stringify({ inputs: [inputOf(signal, config, context)] }),
    request: async ({ body }, { secret }) =>
      jsonRequest(`${config.api_url.replace(/\/$/, "")}${UPSERT_PATH}`, body, {
        authorization: `Bearer ${await secret(config.token)}`,
      }),
    judge,
  };
}

function inputOf(signal: SignalData, { properties }: ConfigOf<"hubspot">, context: RenderContext) {
  return {
    idProperty: "email",
    id: signal.person.email,
    properties: {
      [properties.score]: String(Math.round(signal.score)),
      [properties.level]: signal.magnet?.level ?? signal.threshold.name,
      [properties.reasons]: briefOf(signal, context).reasons.join("\n"),
    },
  };
}

function judge(answer: Answer, nowMs: number): Verdict {
  const { status } = answer;
  if (status === 207) {
    const partial = partialSchema.safeParse(jsonOf(answer)).data;
    const errors = partial?.numErrors ?? partial?.errors?.length ?? 0;
    return { outcome: errors > 0 ? "refused" : "delivered" };
  }
  if (status === 400) return { outcome: "refused" };
  if (status !== 429 || answer.retryAfter !== null) return judgeHttp(answer, nowMs);
  const isDaily = limitedSchema.safeParse(jsonOf(answer)).data?.policyName === "DAILY";
  return { outcome: "limited", afterMs: isDaily ? DAILY_LIMITED_MS : LIMITED_MS };
}
