import { z } from "zod";
import { boundedMs, jsonOf, judgeHttp } from "./answer.ts";
import { type Brief, briefOf } from "./brief.ts";
import type { ConfigOf } from "./config.ts";
import type { Answer, RemoteDestination, Verdict } from "./interface.ts";
import { jsonRequest, remoteOptions } from "./remote.ts";

/** Telegram allows about one message a second in a chat, and twenty a minute in a group. */
const CHAT_SPACING_MS = 1_000;
const GROUP_SPACING_MS = 3_000;
/** A wrong token, or a bot that was thrown out: for all messages, until a person sees to it. */
const GONE_STATUSES = [401, 403, 404];

const answerSchema = z.object({
  ok: z.boolean(),
  description: z.string().optional(),
  parameters: z.object({ retry_after: z.number().optional() }).optional(),
});

type Entity = { type: "bold" | "text_link"; offset: number; length: number; url?: string };

export function telegram(config: ConfigOf<"telegram">): RemoteDestination {
  const isGroup = typeof config.chat_id === "string" || config.chat_id < 0;
  return {
    ...remoteOptions(config, isGroup ? GROUP_SPACING_MS : CHAT_SPACING_MS),
    render: (signal, context) => JSON.stringify(messageOf(briefOf(signal, context))),
    request: async ({ body }, { secret }) => {
      const { chat_id, message_thread_id } = config;
      const url = `${config.api_url.replace(/\/$/, "")}/bot${await secret(config.token)}/sendMessage`;
      return jsonRequest(url, JSON.stringify({ chat_id, message_thread_id, ...JSON.parse(body) }));
    },
    judge,
  };
}

/**
 * Entities instead of a markup: nothing anybody typed can mean anything. Offsets are UTF-16 units, as lengths here are.
 * Telegram takes 4,096 of them, and no value in a brief is so long that all of them together would be more.
 */
function messageOf({ heat, who, reasons, origin, link }: Brief) {
  const entities: Entity[] = [{ type: "bold", offset: 0, length: heat.length }];
  let text = [heat, who, ...reasons.map((reason) => `• ${reason}`), `from ${origin}`].join("\n");
  if (link !== null) {
    const label = "Why?";
    text += "\n";
    entities.push({ type: "text_link", offset: text.length, length: label.length, url: link });
    text += label;
  }
  return { text, entities, link_preview_options: { is_disabled: true } };
}

function judge(answer: Answer, nowMs: number): Verdict {
  const { status } = answer;
  const said = answerSchema.safeParse(jsonOf(answer)).data;
  if (status === 200) return said?.ok === true ? { outcome: "delivered" } : { outcome: "retry" };
  const seconds = said?.parameters?.retry_after;
  const afterMs = seconds === undefined ? null : boundedMs(seconds * 1_000);
  if (status === 429 && afterMs !== null) return { outcome: "limited", afterMs };
  if (status !== null && GONE_STATUSES.includes(status)) return { outcome: "gone" };
  if (status === 400) return { outcome: /chat not found|upgraded/i.test(said?.description ?? "") ? "gone" : "refused" };
  return judgeHttp(answer, nowMs);
}
