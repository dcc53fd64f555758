import { Elysia } from "elysia";
import { documented } from "../../http/document.ts";
import type { Keys } from "../../http/keys.ts";
import { linkQuerySchema, readQuery } from "../../http/query.ts";
import { checkSignedPath } from "../../http/signed-link.ts";
import { explanationPage } from "./explanation-page.ts";
import type { AccountsAnswer } from "./list.ts";
import type { OneAccountAnswer } from "./one.ts";
import { type AccountsQuery, accountQuerySchema, accountsQuerySchema } from "./schema.ts";

export type AccountsDeps = {
  keys: Keys;
  now: () => number;
  /** What links are signed with. */
  secret: Buffer;
  /** These run beside the loop. */
  listAccounts: (query: AccountsQuery) => Promise<AccountsAnswer>;
  readOneAccount: (said: string | null, atMs: number | null) => Promise<OneAccountAnswer>;
};

const DOMAIN = { domain: "the company's registrable domain, such as acme.com" };

/** Companies by what their people do, for the secret key only. */
export function accountRoutes(deps: AccountsDeps) {
  const { keys } = deps;
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
      ({ params, query }) => {
        const { at } = readQuery(accountQuerySchema, query);
        return deps.readOneAccount(params.domain, at ?? null);
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
  const { keys, now, secret } = deps;
  return new Elysia({ name: "account-page" }).get(
    "/accounts/:domain/explanation",
    async ({ params, query, path, request }) => {
      const proof = readQuery(linkQuerySchema, query);
      if (proof.signature === undefined) keys.require(request.headers, "read");
      else checkSignedPath(secret, path, proof, now());
      return explanationPage(await deps.readOneAccount(params.domain, null));
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
