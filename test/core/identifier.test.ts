import { describe, expect, test } from "bun:test";
import { domainToUnicode } from "node:url";
import fc from "fast-check";
import { IDENTIFIER_KINDS, type IdentifierKind, meantBy, normalizeIdentifier } from "../../src/core/identifier.ts";

const NOBODY = [
  ..."anon anonymous guest nil none null n/a na undefined unknown <nil> 0 -1 true false [] {} NaN".split(" "),
  ..."email id distinct_id distinctid not_authenticated - -- 00 000-000 00000000-0000-0000-0000-000000000000".split(
    " ",
  ),
  "[object Object]",
  "",
];

const disguises: { how: string; disguise: (value: string) => string }[] = [
  { how: "as it is", disguise: (value) => value },
  { how: "in upper case", disguise: (value) => value.toUpperCase() },
  { how: "with a capital", disguise: (value) => value.charAt(0).toUpperCase() + value.slice(1) },
  { how: "in double quotes", disguise: (value) => `"${value}"` },
  { how: "in single quotes", disguise: (value) => `'${value}'` },
  { how: "in quotes in quotes", disguise: (value) => `'"${value}"'` },
  { how: "in backticks", disguise: (value) => `\`${value}\`` },
  { how: "in curly quotes", disguise: (value) => `“${value}”` },
  { how: "with blanks around and in quotes", disguise: (value) => ` " ${value}\t"\n` },
];

describe("values that are nobody", () => {
  test.each(disguises)("are refused for every kind, $how", ({ disguise }) => {
    for (const value of NOBODY) {
      for (const kind of IDENTIFIER_KINDS) {
        const { problem } = normalizeIdentifier(kind, disguise(value));
        expect(`${kind} ${value}: ${problem}`).toMatch(/placeholder|is blank/);
      }
    }
  });

  test.each([
    "nullable",
    "anonymous-ada",
    "10",
    "0a",
    "-12",
    "guest.house",
    "true-north",
    "id42",
    "0-1",
    "00000000-0000-0000-0000-000000000001",
  ])("do not take %p with them", (value) => {
    expect(normalizeIdentifier("user_id", value)).toEqual({ value });
  });
});

const forms: { kind: IdentifierKind; raw: string; value?: string; problem?: string }[] = [
  { kind: "email", raw: "ada@example.com", value: "ada@example.com" },
  { kind: "email", raw: "  Ada.Lovelace@EXAMPLE.Com \n", value: "ada.lovelace@example.com" },
  { kind: "email", raw: "ada+news@mail.example.co.uk", value: "ada+news@mail.example.co.uk" },
  { kind: "email", raw: "o'brien@example.com", value: "o'brien@example.com" },
  { kind: "email", raw: "ada@bücher.example", value: "ada@bücher.example" },
  { kind: "email", raw: "\u200bada@example.com", value: "ada@example.com" },
  { kind: "email", raw: "\ufeff\u00ad Ada@example.com\u200d\u2060", value: "ada@example.com" },
  { kind: "email", raw: "a\u200bda@example.com", problem: "invisible characters" },
  { kind: "email", raw: "ada@exam\u00adple.com", problem: "invisible characters" },
  { kind: "email", raw: "\u202aada@example.com\u202c", value: "ada@example.com" },
  { kind: "user_id", raw: "\ufeffUser-42\u200b", value: "User-42" },
  { kind: "user_id", raw: "\u200bnull\u200b", problem: "placeholder" },
  { kind: "phone", raw: "\u202a+27821234567\u202c", value: "+27821234567" },
  { kind: "email", raw: "ada@xn--bcher-kva.example", value: "ada@bücher.example" },
  { kind: "email", raw: "ünï@XN--EXMPLE-CUA.com", value: "ünï@exämple.com" },
  { kind: "email", raw: "ada@bu\u0308cher.example", value: "ada@bücher.example" },
  { kind: "email", raw: "ada@xn--fiqs8s.xn--55qx5d", value: "ada@中国.公司" },
  { kind: "email", raw: "ada@xn--example-.com", value: "ada@xn--example-.com" },
  { kind: "email", raw: "ada@xn--99999999999.com", value: "ada@xn--99999999999.com" },
  { kind: "email", raw: "a..b@ex.com", problem: "two dots" },
  { kind: "email", raw: ".ada@ex.com", problem: "two dots" },
  { kind: "email", raw: "ada.@ex.com", problem: "two dots" },
  { kind: "email", raw: `${"a".repeat(64)}@example.com`, value: `${"a".repeat(64)}@example.com` },
  { kind: "email", raw: `${"a".repeat(65)}@example.com`, problem: "65 characters before the @" },
  { kind: "email", raw: '"ada@example.com"', problem: "no e-mail" },
  { kind: "email", raw: "'ada@example.com'", problem: "no e-mail" },
  { kind: "email", raw: "ada@example", problem: "no e-mail" },
  { kind: "email", raw: "ada@example..com", problem: "no e-mail" },
  { kind: "email", raw: "ada@@example.com", problem: "no e-mail" },
  { kind: "email", raw: "ada lovelace@example.com", problem: "no e-mail" },
  { kind: "email", raw: "Ada <ada@example.com>", problem: "no e-mail" },
  { kind: "email", raw: "mailto:ada@example.com", problem: "no e-mail" },
  { kind: "email", raw: `${"a".repeat(250)}@example.com`, problem: "at most 254" },
  { kind: "phone", raw: "+27821234567", value: "+27821234567" },
  { kind: "phone", raw: " +27 (82) 123-45.67 ", value: "+27821234567" },
  { kind: "phone", raw: "0027 82 123 4567", value: "+27821234567" },
  { kind: "phone", raw: "+49 (0)30 123456", value: "+4930123456" },
  { kind: "phone", raw: "082 123 4567", problem: "E.164" },
  { kind: "phone", raw: "+0821234567", problem: "E.164" },
  { kind: "phone", raw: "+27", problem: "E.164" },
  { kind: "phone", raw: "+1234567890123456", problem: "E.164" },
  { kind: "phone", raw: "+27 82 CALL ME", problem: "E.164" },
  { kind: "user_id", raw: " User-42 ", value: "User-42" },
  { kind: "user_id", raw: "a\u0000b", problem: "control characters" },
  { kind: "user_id", raw: "a\ud800", problem: "broken Unicode" },
  { kind: "user_id", raw: "u".repeat(201), problem: "at most 200" },
  { kind: "anonymous_id", raw: "0b9f4c1e-6a3d-4c57-9f35-3f1f0a8e9c11", value: "0b9f4c1e-6a3d-4c57-9f35-3f1f0a8e9c11" },
  { kind: "anonymous_id", raw: "a".repeat(65), problem: "at most 64" },
];

describe("the comparable form", () => {
  test.each(forms)("of $kind $raw", ({ kind, raw, value, problem }) => {
    const normalized = normalizeIdentifier(kind, raw);
    if (value !== undefined) expect(normalized).toEqual({ value });
    else expect(normalized.problem).toContain(problem ?? "nothing");
  });

  test.each(forms.flatMap(({ kind, value }) => (value === undefined ? [] : [{ kind, value }])))(
    "of $kind $value is its own",
    ({ kind, value }) => {
      expect(normalizeIdentifier(kind, value)).toEqual({ value });
    },
  );

  test("of a domain is the same from its letters and from the form for machines", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(..."abz09äöüßçœñłşžжщяабв中国公司日本αβγ"), minLength: 1, maxLength: 20 }),
        (label) => {
          const machine = new URL(`http://${label}.com`).hostname;
          const letters = domainToUnicode(machine);
          expect(normalizeIdentifier("email", `ada@${machine}`)).toEqual({ value: `ada@${letters}` });
          expect(normalizeIdentifier("email", `ada@${letters}`)).toEqual({ value: `ada@${letters}` });
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test("of whatever is said is the form of itself", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...IDENTIFIER_KINDS),
        fc.oneof(fc.string({ unit: "binary" }), fc.emailAddress()),
        (kind, raw) => {
          const { value } = normalizeIdentifier(kind, raw);
          if (value !== undefined) expect(normalizeIdentifier(kind, value)).toEqual({ value });
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test.each(["null", "ada@example", "0821234567", "\u0000"])("a refusal of %p does not echo what was sent", (raw) => {
    for (const kind of IDENTIFIER_KINDS) {
      const { problem } = normalizeIdentifier(kind, `secret-${raw}\u0007`);
      expect(problem ?? "").not.toContain("secret");
    }
  });
});

test.each([
  { said: "Ada@xn--bcher-kva.example", before: "ada@xn--bcher-kva.example", now: "ada@bücher.example" },
  { said: "a..b@example.com", before: "a..b@example.com", now: null },
  { said: "\u200bada@example.com", before: "\u200bada@example.com", now: "ada@example.com" },
])("what an earlier version stored is found as $before", ({ said, before, now }) => {
  const emails = meantBy(said).flatMap(({ kind, value }) => (kind === "email" ? [value] : []));
  expect(emails).toEqual(now === null ? [before] : [now, before]);
});

test.each([" ", "\u200b", "\u00ad", "\u{e0020}"])(
  "a run of %j in the middle, which no limit has cut yet, costs no more than one around",
  (piece) => {
    const run = piece.repeat(32_000 / piece.length);
    const startedMs = performance.now();
    for (const kind of IDENTIFIER_KINDS) {
      expect(normalizeIdentifier(kind, `é${run}x`).problem).toMatch(/^has \d+ characters/);
      expect(normalizeIdentifier(kind, `\u200b${run}ada@acme.com${run}\u200b`).problem ?? "").not.toMatch(/^has \d/);
    }
    expect(performance.now() - startedMs).toBeLessThan(250);
  },
);
