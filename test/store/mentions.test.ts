import { expect, test } from "bun:test";
import type { IdentifierKind } from "../../src/core/identifier.ts";
import { createMentions } from "../../src/store/sqlite/mentions.ts";

const PHONE = "+49301234567";

test.each<[kind: IdentifierKind, value: string, text: string, isNamed: boolean]>([
  ["phone", PHONE, '{"tel":"+49301234567"}', true],
  ["phone", PHONE, '{"tel":"+49 (0)30 / 123-45.67"}', true],
  ["phone", PHONE, '{"tel":"0049 (0)30 123-4567"}', true],
  ["phone", PHONE, '{"tel":"011 49 30 1234567"}', true],
  ["phone", PHONE, '{"tel":49301234567}', true],
  ["phone", PHONE, '{"a":"+49 (0)89 99999","tel":"0049 (0)30 123-4567"}', true],
  ["phone", PHONE, '{"tel":"+49 30 1234567 / 030 99999"}', true],
  ["phone", PHONE, '{"tel":"2 +49 30 1234567"}', true],
  ["phone", PHONE, '{"tel":"0049301234567"}', true],
  ["phone", PHONE, '{"tel":"01149301234567"}', true],
  ["phone", PHONE, '{"tel":"10049301234567"}', false],
  ["phone", "+4900123456", '{"tel":"+49 (0)0 123456"}', true],
  ["phone", "+4900123456", '{"tel":"+49 (0)(0) 0 0 123456"}', true],
  ["phone", PHONE, '{"tel":"+493012345678"}', false],
  ["phone", PHONE, '{"tel":"149301234567"}', false],
  ["phone", PHONE, '{"tel":"+49 89 1234567"}', false],
  ["phone", "+17803152", '{"t":1780315200123}', false],
  ["phone", "+17803152", '{"t":1780315200123,"tel":"+1 780 3152"}', true],
  ["email", "ada@acme.com", '{"m":"ADA@acme.com"}', true],
  ["email", "ada@acme.com", "/?m=ada%40acme.com", true],
  ["email", "ada@acme.com", '{"m":"vada@acme.com"}', false],
  ["email", "ada@bücher.example", '{"m":"Ada@xn--bcher-kva.example"}', true],
  ["email", "ada@bücher.example", '{"m":"ada@BU\u0308CHER.example"}', true],
  ["email", "ada@bücher.example", '{"m":"ada@xn--bcher-kvb.example"}', false],
  ["user_id", "7", '{"user_id":"7"}', true],
  ["user_id", "7", '{"user_id":"17","n":77}', false],
  ["anonymous_id", "one", '{"anonymous_id":"one"}', true],
  ["anonymous_id", "one", '{"anonymous_id":"one-more"}', false],
])("%s %s in %s: %p", (kind, value, text, isNamed) => {
  expect(createMentions([{ kind, value }])(text)).toBe(isNamed);
});

const EVENT_BYTES = 32 * 1_024;
const HOSTILE = [
  "(0)",
  "15(0)",
  "(0)15 0000000",
  "1",
  "15",
  "15000000001",
  " ",
  "0(",
  "00",
  "ada@acme.co",
  "@",
  "a@",
  ".",
  '"7',
  ":",
  "one ",
  "\u0301\u0323",
];

/** A number of ones and one of a pattern's worst: what people do not send, but machines do. */
const NAMED: [kind: IdentifierKind, value: string][] = [
  ["phone", "+15000000001"],
  ["phone", "+111111111111111"],
  ["email", "ada@acme.com"],
  ["email", "ada@bücher.example"],
  ["user_id", "7"],
  ["user_id", "("],
  ["anonymous_id", "one"],
];

test.each(HOSTILE)("32 KB of %j hide nothing behind them, and are read in milliseconds", (piece) => {
  const filler = piece.repeat(EVENT_BYTES / piece.length);
  for (const [kind, value] of NAMED) {
    const isNamed = createMentions([{ kind, value }]);
    const startedMs = performance.now();
    expect(isNamed(JSON.stringify({ note: `15${filler}x`, [kind]: value }))).toBe(true);
    isNamed(JSON.stringify({ note: `15${filler}x` }));
    expect(performance.now() - startedMs).toBeLessThan(150);
  }
});
