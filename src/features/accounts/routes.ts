import { Elysia } from "elysia";
import type { Rules } from "../../core/compile.ts";
import { sentSignals } from "../../core/delivery.ts";
import { documented } from "../../http/document.ts";
import type { Keys } from "../../http/keys.ts";
import { linkQuerySchema, readQuery } from "../../http/query.ts";
import { checkSignedPath } from "../../http/signed-link.ts";
import type { AccountReader } from "../../store/sqlite/accounts.ts";
import type { DeliveryStore } from "../../store/sqlite/delivery.ts";
import type { EventReader } from "../../store/sqlite/events.ts";
import type { PeopleReader } from "../../store/sqlite/people.ts";
import type { SignalReader } from "../../store/sqlite/signals-read.ts";
import { readAccount, requireAccount } from "./account.ts";
import { explanationPage } from "./explanation-page.ts";
import type { AccountsAnswer } from "./list.ts";
import { type AccountsQuery, accountQuerySchema, accountsQuerySchema } from "./schema.ts";

export type AccountsDeps = {
  keys: Keys;
  rules: () => Rules;
  now: () => number;
  people: PeopleReader;
  accounts: AccountReader;
  events: EventReader;
  signals: SignalReader;
  deliveries: Pick<DeliveryStore, "bySignals">;
  /** What links are signed with. */
  secret: Buffer;
  /** Beside the loop. */
  listAccounts: (query: AccountsQuery) => Promise<AccountsAnswer>;
};

const SIGNALS_MAX = 20;
const DOMAIN = { domain: "the company's registrable domain, such as acme.com" };

/** Companies by what their people do, for the secret key only. */
export function accountRoutes(deps: AccountsDeps) {
  const { keys, rules, now, accounts, signals, deliveries } = deps;
  return new Elysia({ name: "accounts" })
    .onBeforeHandle(({ request }) => void keys.require(request.headers, "read"))
    .get(
      "/accounts",
      ({ query }) => deps.listAccounts(readQuery(accountsQuerySchema, query)),
      documented({
        topic: "Accounts",
        summary: "Companies by score or momentum",
        access: "read",
        query: accountsQuerySchema,
        answer: { description: "accounts and next_cursor" },
      }),
    )
    .get(
      "/accounts/:domain",
      async ({ params, query }) => {
        const { at } = readQuery(accountQuerySchema, query);
        const account = requireAccount(params.domain, accounts);
        const told = signals.newestOfAccount(account.accountId, SIGNALS_MAX);
        const sent = sentSignals(told, deliveries.bySignals(told.map(({ signalId }) => signalId)));
        return { ...(await readAccount(account, deps, rules(), at ?? null, now())), signals: sent };
      },
      documented({
        topic: "Accounts",
        summary: "One company with the people who make up its score",
        access: "read",
        path: DOMAIN,
        query: accountQuerySchema,
        answer: { description: "every row of the account's score, at any time, and what was told of it" },
      }),
    );
}

/** For those who come with a message's link, which is their key. */
export function accountPageRoutes(deps: AccountsDeps) {
  const { keys, rules, now, accounts, secret } = deps;
  return new Elysia({ name: "account-page" }).get(
    "/accounts/:domain/explanation",
    async ({ params, query, path, request }) => {
      const proof = readQuery(linkQuerySchema, query);
      if (proof.signature === undefined) keys.require(request.headers, "read");
      else checkSignedPath(secret, path, proof, now());
      return explanationPage(await readAccount(requireAccount(params.domain, accounts), deps, rules(), null, now()));
    },
    documented({
      topic: "Accounts",
      summary: "A company's score explained, as a page",
      access: "signed link or read",
      path: DOMAIN,
      query: linkQuerySchema,
      answer: { type: "text/html", description: "a page" },
    }),
  );
}
