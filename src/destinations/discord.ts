import { z } from "zod";
import { boundedMs, jsonOf, judgeHttp } from "./answer.ts";
import { type Brief, briefOf } from "./brief.ts";
import type { ConfigOf } from "./config.ts";
import type { Answer, RemoteDestination, Verdict } from "./interface.ts";
import { jsonRequest, remoteOptions } from "./remote.ts";

/** Discord allows a webhook five messages in two seconds. */
const SPACING_MS = 400;
const GONE_STATUSES = [401, 403, 404];
const TITLE_LENGTH_MAX = 256;
const DESCRIPTION_LENGTH_MAX = 4_096;

const limitedSchema = z.object({ retry_after: z.number() });

export function discord(config: ConfigOf<"discord">): RemoteDestination {
  return {
    ...remoteOptions(config, SPACING_MS),
    render: (signal, context) => JSON.stringify(messageOf(briefOf(signal, context))),
    request: async ({ body }, { secret }) => jsonRequest(await secret(config.url), body),
    judge,
  };
}

function messageOf({ heat, who, reasons, origin, link }: Brief) {
  const description = [who, ...reasons.map((reason) => `• ${reason}`), `from ${origin}`].map(escaped).join("\n");
  return {
    // Whatever somebody calls themselves, nobody is pinged.
    allowed_mentions: { parse: [] },
    embeds: [
      {
        title: escaped(heat).slice(0, TITLE_LENGTH_MAX),
        description: description.slice(0, DESCRIPTION_LENGTH_MAX),
        ...(link === null ? {} : { url: link }),
      },
    ],
  };
}

/** A backslash takes the meaning from what Discord reads as Markdown, mentions, emoji and links. */
function escaped(words: string): string {
  return words.replace(/[\\*_~`|>#[\]()<@:-]/g, "\\$&");
}

function judge(answer: Answer, nowMs: number): Verdict {
  const { status } = answer;
  if (status === 429) {
    const seconds = limitedSchema.safeParse(jsonOf(answer)).data?.retry_after;
    const afterMs = seconds === undefined ? null : boundedMs(seconds * 1_000);
    if (afterMs !== null) return { outcome: "limited", afterMs };
  }
  if (status !== null && GONE_STATUSES.includes(status)) return { outcome: "gone" };
  if (status === 400) return { outcome: "refused" };
  return judgeHttp(answer, nowMs);
}
