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
