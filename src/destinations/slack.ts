import { judgeHttp } from "./answer.ts";
import { type Brief, briefOf, linesOf } from "./brief.ts";
import type { ConfigOf } from "./config.ts";
import type { Answer, RemoteDestination, Verdict } from "./interface.ts";
import { jsonRequest, remoteOptions } from "./remote.ts";

/** Slack allows an incoming webhook one message a second. */
const SPACING_MS = 1_000;
/** The URL was revoked, or its channel archived or closed to it: for all messages, until a person sees to it. */
const GONE_STATUSES = [403, 404, 410];
/** The message itself is not liked, and will not be the next time. */
const REFUSED_STATUSES = [400, 413];

export function slack(config: ConfigOf<"slack">): RemoteDestination {
  return {
    ...remoteOptions(config, SPACING_MS),
    render: (signal, context) => JSON.stringify(messageOf(briefOf(signal, context))),
    request: async ({ body }, { secret }) => jsonRequest(await secret(config.url), body),
    judge,
  };
}

function messageOf(brief: Brief) {
  const { heat, who, reasons, origin, link } = brief;
  return {
    text: escaped(linesOf({ ...brief, link: null }).join("\n")),
    unfurl_links: false,
    blocks: [
      section(`*${escaped(heat)}*\n${escaped(who)}`),
      ...(reasons.length > 0 ? [section(reasons.map((reason) => `• ${escaped(reason)}`).join("\n"))] : []),
      {
        type: "context",
        elements: [text(`from ${escaped(origin)}`), ...(link === null ? [] : [text(`<${escaped(link)}|Why?>`)])],
      },
    ],
  };
}

const section = (words: string) => ({ type: "section", text: text(words) });

/** `verbatim` keeps Slack from making links, channels and mentions of what somebody typed. */
const text = (words: string) => ({ type: "mrkdwn", text: words, verbatim: true });

/** The three characters that Slack gives a meaning, as its manual says. */
function escaped(words: string): string {
  return words.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function judge(answer: Answer, nowMs: number): Verdict {
  if (answer.status !== null && GONE_STATUSES.includes(answer.status)) return { outcome: "gone" };
  if (answer.status !== null && REFUSED_STATUSES.includes(answer.status)) return { outcome: "refused" };
  return judgeHttp(answer, nowMs);
}
