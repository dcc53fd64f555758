import { z } from "zod";
import type { Rules } from "../../core/compile.ts";
import { AppError } from "../../core/error.ts";
import { COLD, levelOf } from "../../core/threshold.ts";
import { decodeCursor, encodeCursor } from "../../http/query.ts";
import type { AccountReader, StoredAccount } from "../../store/sqlite/accounts.ts";
import { type AccountAnswer, describeAccount, readMomentum, scoreOfAccount } from "./account.ts";
import type { AccountsQuery } from "./schema.ts";

const CHUNK = 500;

export type AccountsAnswer = { accounts: AccountAnswer[]; next_cursor: string | null };

type Place = { account: StoredAccount; score: number; value: number };

/** As of when, and the last place given out. */
const cursorSchema = z.tuple([z.int().min(0).max(8_640_000_000_000_000), z.number(), z.int().min(0)]);

/**
 * Every account, in the order of now. It looks at all of them, since scores and weeks move by themselves; so it runs beside
 * the loop and never in it.
 */
export function listAccounts(
  { level, sort, limit, cursor }: AccountsQuery,
  accounts: AccountReader,
  rules: Rules,
  nowMs: number,
): AccountsAnswer {
  checkLevel(level, rules);
  const position = decodeCursor(cursorSchema, cursor);
  const asOfMs = position?.[0] ?? nowMs;
  const places: Place[] = [];
  for (const account of allAccounts(accounts)) {
    const score = scoreOfAccount(account.accountId, accounts, rules, asOfMs);
    if (level !== undefined && levelOf(score, rules.accountThresholds) !== level) continue;
    const value = sort === "score" ? score : readMomentum(account.accountId, accounts, asOfMs).ratio;
    if (position === null || isBehind({ value, account }, position)) places.push({ account, score, value });
  }
  places.sort((a, b) => b.value - a.value || b.account.accountId - a.account.accountId);
  const page = places.slice(0, limit);
  const last = page.at(-1);
  const isMore = last !== undefined && places.length > limit;
  return {
    accounts: page.map(({ account, score }) => describeAccount(account, score, accounts, rules, asOfMs)),
    next_cursor: isMore ? encodeCursor([asOfMs, last.value, last.account.accountId]) : null,
  };
}

function checkLevel(level: string | undefined, { accountThresholds }: Rules): void {
  const known = [COLD, ...accountThresholds.map(({ name }) => name)];
  if (level === undefined || known.includes(level)) return;
  throw new AppError("invalid", `must be one of ${known.join(", ")}`, "level");
}

export function* allAccounts(accounts: AccountReader): Generator<StoredAccount> {
  let lastId = -1;
  for (;;) {
    const chunk = accounts.after(lastId, CHUNK);
    yield* chunk;
    lastId = chunk.at(-1)?.accountId ?? lastId;
    if (chunk.length < CHUNK) return;
  }
}

function isBehind(
  { value, account }: Pick<Place, "value" | "account">,
  [, lastValue, lastId]: z.infer<typeof cursorSchema>,
): boolean {
  return value < lastValue || (value === lastValue && account.accountId < lastId);
}
