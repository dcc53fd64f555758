import { judgeHttp } from "./answer.ts";
import { type Brief, briefOf } from "./brief.ts";
import type { ConfigOf } from "./config.ts";
import type { Answer, RemoteDestination, Verdict } from "./interface.ts";
import { jsonRequest, remoteOptions } from "./remote.ts";

/** Teams throttles above four requests a second. */
const SPACING_MS = 250;
const GONE_STATUSES = [401, 403, 404, 410];
const REFUSED_STATUSES = [400, 413];

export function teams(config: ConfigOf<"teams">): RemoteDestination {
  return {
    ...remoteOptions(config, SPACING_MS),
    render: (signal, context) => JSON.stringify(messageOf(briefOf(signal, context))),
    request: async ({ body }, { secret }) => jsonRequest(await secret(config.url), body),
    judge,
  };
}

function messageOf({ heat, who, reasons, origin, link }: Brief) {
  const content = {
    $schema: "http://adaptivecards.io/schemas/adaptive-card.json",
    type: "AdaptiveCard",
    version: "1.4",
    fallbackText: `${heat}, ${who}`,
    body: [
      line({ text: heat, weight: "Bolder", size: "Medium" }),
      line({ text: who }),
      ...reasons.map((reason) => line({ text: `• ${reason}` })),
      line({ text: `from ${origin}`, isSubtle: true }),
    ],
    ...(link === null ? {} : { actions: [{ type: "Action.OpenUrl", title: "Why?", url: link }] }),
  };
  return {
    type: "message",
    attachments: [{ contentType: "application/vnd.microsoft.card.adaptive", contentUrl: null, content }],
  };
}

type Run = { text: string; weight?: "Bolder"; size?: "Medium"; isSubtle?: true };

/** A text run is shown as it is, while a text block would read Markdown out of what somebody typed. */
const line = (run: Run) => ({ type: "RichTextBlock", inlines: [{ type: "TextRun", ...run }] });

function judge(answer: Answer, nowMs: number): Verdict {
  const { status, body } = answer;
  // The older connectors say 200 and put the truth into the text.
  const told = status === 200 ? /delivery failed.*HTTP error (\d{3})/is.exec(body)?.[1] : undefined;
  if (told !== undefined) return judge({ ...answer, status: Number(told) }, nowMs);
  if (status !== null && GONE_STATUSES.includes(status)) return { outcome: "gone" };
  if (status !== null && REFUSED_STATUSES.includes(status)) return { outcome: "refused" };
  return judgeHttp(answer, nowMs);
}
