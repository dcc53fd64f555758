import { expect, test } from "bun:test";
import { type IdentifierKind, identifierKey } from "../../src/core/identifier.ts";
import { createMentions } from "../../src/store/sqlite/mentions.ts";
import { createNamedIn } from "../../src/store/sqlite/named-in.ts";

const ADA = "ada@acme.com";
const PHONE = "+49301234567";
const BOOKS = "ada@bücher.example";

test.each<[kind: IdentifierKind, value: string, body: unknown, isNamed: boolean]>([
  ["phone", PHONE, { tel: "+49 (0)30 / 123-45.67" }, true],
  ["phone", PHONE, { tel: "0049 (0)30 123-4567" }, true],
  ["phone", PHONE, { tel: "011 49 30 1234567" }, true],
  ["phone", PHONE, { tel: 49301234567 }, true],
  ["phone", PHONE, { tel: "2 +49 30 1234567 / 030 99999" }, true],
  ["phone", PHONE, { tel: "+493012345678" }, false],
  ["phone", PHONE, { tel: "149301234567" }, false],
  ["phone", "+17803152", { t: 1780315200123 }, false],
  ["email", ADA, { m: "Ask ADA@acme.com." }, true],
  ["email", ADA, { url: "/?m=ada%40acme.com&n=1" }, true],
  ["email", ADA, { m: "vada@acme.com" }, false],
  ["email", ADA, { "ada@acme.com": 1 }, true],
  ["email", BOOKS, { m: "Ada@xn--bcher-kva.example" }, true],
  ["email", BOOKS, { m: "ada@BU\u0308CHER.example" }, true],
  ["user_id", "7", { user_id: "7" }, true],
  ["user_id", "7", { user_id: "17", n: 77, note: "7 of them" }, false],
  ["user_id", 'a"b\\c', { user_id: 'a"b\\c' }, true],
  ["anonymous_id", "one", { anonymous_id: "one" }, true],
  ["anonymous_id", "one", { url: "/?visitor=one&a=b" }, true],
  ["anonymous_id", "one", { anonymous_id: "one-more" }, false],
  ["campaign_link", "k3j9", { url: "/r/spring/k3j9" }, true],
])("%s %s in %j: %p, as by a search for the name itself", (kind, value, body, isNamed) => {
  const isMeant = createNamedIn((asked) => identifierKey(asked) === identifierKey({ kind, value }));
  const text = JSON.stringify(body);
  expect(isMeant(text)).toBe(isNamed);
  expect(createMentions([{ kind, value }])(text)).toBe(isNamed);
});

test("a name is found in what was cut off, and not in what an escape only looks like", () => {
  const isNamed = createNamedIn(({ kind, value }) => kind === "email" && value === ADA);
  const table: [body: string, isNamed: boolean][] = [
    [`{"note":"${ADA} and so o`, true],
    [`{"a":1,"note":"${ADA} and so \\`, true],
    [`{"a":1,"note":"${ADA} and \\u00`, true],
    [`{"note":"ask\\n${ADA}"}`, true],
    [`{"note":"n${ADA}"}`, false],
    ["", false],
  ];
  expect(table.map(([body]) => isNamed(body))).toEqual(table.map(([, expected]) => expected));
});

test("the time that a body takes grows with its length alone, whatever strangers put into it", () => {
  const isNamed = createNamedIn(() => false);
  const hostile = ["1", "(0)", '"', "\\", '"\\', "@", "a@", "-", "1 ", "é", '":1,', "[:"].map((part) =>
    part.repeat(Math.floor(16_000 / part.length)),
  );
  const started = performance.now();
  for (const text of hostile) {
    isNamed(text);
    isNamed(JSON.stringify({ note: text }));
  }
  expect(performance.now() - started).toBeLessThan(2_000);
});
