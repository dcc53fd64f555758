import { Database } from "bun:sqlite";
import { join } from "node:path";
import { createCampaign } from "../../../src/features/campaigns/create.ts";
import { createClickSettler } from "../../../src/jobs/settle-clicks.ts";
import { createClickStore } from "../../../src/store/sqlite/clicks.ts";
import { ensureInstanceSecret } from "../../../src/store/sqlite/instance-secret.ts";
import { honeypotIdOf, linkIdOf } from "../../../src/store/sqlite/link-id.ts";
import { temporaryFolder } from "../../support/folder.ts";
import {
  type Answer,
  BROWSER,
  NOON_MS,
  type SentHeaders,
  startInstance,
  type TestInstance,
} from "../../support/instance.ts";

const LIST = `email,first name,company
ann@acme.example,Ann,Acme
bob@acme.example,Bob,Acme
cyd@other.example,Cyd,Other
dee@other.example,Dee,Other
`;

export type ClickRow = {
  campaign_id: number;
  link_id: string;
  via: string;
  verdict: string;
  reason: string | null;
  times: number;
  identity_id: number | null;
};

export type CampaignHouse = TestInstance & {
  /** A lead's link id, by the name before the @. */
  linkOf(name: string): string;
  honeypotOf(slug: string): string;
  /** Follows a link as a browser would. */
  open(link: string, options?: { slug?: string; headers?: SentHeaders; method?: string }): Promise<Answer<unknown>>;
  /** Tells the evidence as the tracker would. */
  show(
    visitor: string,
    link: string,
    event?: object,
  ): Promise<Answer<{ events: { event_id: string; status: string }[] }>>;
  /** "human", "machine user_agent" and so on, the oldest first. */
  verdicts(): string[];
  clicks(): ClickRow[];
  /** The live identifiers of everybody, by person. */
  people(): string[];
  /** Gives up what has waited for too long. */
  settleClicks(): void;
  scoreOf(identifier: string): Promise<number>;
};

/** A server with two campaigns to the same four people. */
export function startCampaignHouse(intent: object = {}): CampaignHouse {
  const folder = temporaryFolder();
  const instance = startInstance({ dataFolder: folder.path, intent });
  const database = new Database(join(folder.path, "do-intent.db"), { strict: true });
  const secret = ensureInstanceSecret(database, NOON_MS);
  const fixed = { base_url: "https://acme.example", landing: "/demo?plan=team" };
  for (const [index, settings] of [
    { ...fixed, name: "Spring", utm: { source: "mail" } },
    { ...fixed, name: "Autumn", utm: { source: "mail", campaign: "fall" } },
  ].entries()) {
    const bytes = Buffer.from(LIST);
    const now = () => NOON_MS + index;
    createCampaign(
      { kind: "csv", settings, bytes },
      { database, publicUrl: null, keyId: "test", now, rest: () => {}, onProgress: () => {} },
    );
  }
  const settler = createClickSettler({ clicks: createClickStore(database), now: () => 0, onFault: () => {} });
  const linkOf = (name: string) => {
    const domain = ["ann", "bob"].includes(name) ? "acme.example" : "other.example";
    return linkIdOf(secret, `${name}@${domain}`, 0);
  };
  let sequence = 0;
  const house: CampaignHouse = {
    ...instance,
    linkOf,
    honeypotOf: (slug) => honeypotIdOf(secret, slug),
    open: async (link, { slug = "spring", headers = {}, method = "GET" } = {}) => {
      const request = new Request(`http://localhost/c/${slug}/${link}`, {
        method,
        headers: { "user-agent": BROWSER, ...headers },
      });
      const response = await instance.app.handle(request);
      // Rows are kept in the turn after the answer.
      await new Promise((resolve) => setImmediate(resolve));
      return { status: response.status, headers: response.headers, text: await response.text(), body: null };
    },
    show: (visitor, link, event = {}) => {
      sequence += 1;
      return instance.post("/v1/e", {
        events: [
          {
            event: "campaign_click",
            event_id: `shown-${sequence}`,
            anonymous_id: visitor,
            session_id: `session-${visitor}`,
            url: "https://acme.example/demo?plan=team&utm_source=mail&utm_campaign=spring",
            metadata: { link, evidence: "moved" },
            ...event,
          },
        ],
      });
    },
    clicks: () => instance.rows<ClickRow>("select * from campaign_click order by clicked_at, click_id"),
    verdicts: () => house.clicks().map(({ verdict, reason }) => (reason === null ? verdict : `${verdict} ${reason}`)),
    people: () =>
      instance
        .rows<{ all: string }>(
          `select group_concat(case kind when 'campaign_link' then 'link' else value end, ' ') as 'all'
           from (select * from identity where retired_at is null order by kind desc, value) group by person_id
           order by min(identity_id)`,
        )
        .map((row) => row.all),
    settleClicks: () => void settler.step(instance.clock.nowMs),
    scoreOf: async (identifier) => {
      const { body } = await instance.getSecret<{ score: number }>(`/people/${encodeURIComponent(identifier)}/explain`);
      return body.score;
    },
    [Symbol.asyncDispose]: async () => {
      database.close();
      await instance[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
    },
  };
  return house;
}
