import { describe, expect, test } from "bun:test";
import { z } from "zod";
import { type IntentConfig, intentJsonSchema, parseIntentConfig, printableConfig } from "../../src/config/intent.ts";

const SECRET = `whsec_${Buffer.from("a secret that no printed page may ever show").toString("base64")}`;
const webhook = { type: "webhook", name: "crm", url: "https://crm.example/hook", secret: SECRET };

function configOf(value: unknown): { config: IntentConfig; hash: string } {
  const parsed = parseIntentConfig(JSON.stringify(value));
  if (parsed.problems !== undefined) throw new Error(parsed.problems.join("\n"));
  return parsed;
}

function problemsOf(value: unknown): string[] {
  return parseIntentConfig(typeof value === "string" ? value : JSON.stringify(value)).problems ?? [];
}

const rule = { name: "one", group: "all", event: "page_view", points: 1 };
const withRule = (changes: object, more: object = {}) => ({
  groups: { all: { max: 10 } },
  rules: [{ ...rule, ...changes }],
  ...more,
});

describe("a file that leaves things out", () => {
  test("is the default config where it says nothing", () => {
    const { config } = configOf({});
    expect(Object.keys(config.groups)).toEqual(["recency", "frequency", "engagement", "high_intent", "conversion"]);
    expect(Object.values(config.groups).map(({ max }) => max)).toEqual([30, 20, 25, 25, 20]);
    expect(config.thresholds).toEqual({ warm: 40, hot: 60, burning: 80 });
    expect(config.ingest).toEqual({ accept_days: 90, require_write_key: false });
    expect(config.destinations).toEqual([]);
  });

  test("keeps the rest when it says one thing", () => {
    const { config } = configOf({ thresholds: { ready: 50 }, ingest: { accept_days: 7 } });
    expect(config).toEqual({
      ...configOf({}).config,
      thresholds: { ready: 50 },
      ingest: { accept_days: 7, require_write_key: false },
    });
  });

  test("may begin with a byte order mark", () => {
    expect(problemsOf("\uFEFF{}")).toEqual([]);
  });
});

describe("what is wrong, where, and the way out", () => {
  const cases: { config: unknown; problems: string[] }[] = [
    { config: null, problems: ["the file must be an object"] },
    { config: [], problems: ["the file must be an object"] },
    { config: { threshold: {} }, problems: ['threshold: is not known; "thresholds" may be meant'] },
    {
      config: { colour: "red" },
      problems: [
        "colour: is not known; take it out (known here: $schema, page_classes, groups, rules, thresholds, channels, accounts, ingest, limits, identity_verification, identity_hash_of, identity_secret, tracker, public_url, privacy, retain, personalize, magnets, magnets_folder, destinations)",
      ],
    },
    {
      config: withRule({ half_live: "7d" }),
      problems: ['rules[0].half_live: is not known; "half_life" may be meant'],
    },
    {
      config: withRule({ half_life: "7 days" }),
      problems: ['rules[0].half_life: use a number and s, m, h or d, such as "7d"'],
    },
    { config: withRule({ half_life: "0d" }), problems: ["rules[0].half_life: must be above zero"] },
    { config: withRule({ points: "8" }), problems: ["rules[0].points: must be a number"] },
    { config: withRule({ points: 5_000 }), problems: ["rules[0].points: must be at most 1000"] },
    { config: withRule({ max: 0 }), problems: ["rules[0].max: must be above 0"] },
    { config: withRule({ per_session: 1.5 }), problems: ["rules[0].per_session: must be a whole number"] },
    { config: withRule({ per_session: 21 }), problems: ["rules[0].per_session: must be at most 20"] },
    { config: withRule({ keep: "first" }), problems: ['rules[0].keep: must be "latest"'] },
    {
      config: withRule({ keep: "latest", once: true }),
      problems: ["rules[0]: keep, once and per_session exclude each other"],
    },
    { config: withRule({ event: 5 }), problems: ["rules[0].event: must be a text or a list"] },
    { config: withRule({ event: "" }), problems: ["rules[0].event: must not be empty"] },
    { config: withRule({ points: undefined }), problems: ["rules[0].points: is missing; give a number"] },
    {
      config: withRule({ when: { properties: { percent: { gte: "75" } } } }),
      problems: ["rules[0].when.properties.percent.gte: must be a number"],
    },
    {
      config: withRule({ when: { properties: { percent: { above: 75 } } } }),
      problems: [
        "rules[0].when.properties.percent.above: is not known; take it out (known here: gte, gt, lte, lt, contains, not, exists)",
        "rules[0].when.properties.percent: name at least one test, such as gte or contains",
      ],
    },
    {
      config: withRule({ when: { properties: { percent: {} } } }),
      problems: ["rules[0].when.properties.percent: name at least one test, such as gte or contains"],
    },
    {
      config: withRule({ when: { properties: { percent: null } } }),
      problems: [
        "rules[0].when.properties.percent: must be a text or a number or true or false or a list or an object",
      ],
    },
    { config: withRule({ group: "al" }), problems: ["rules[0].group: is not one of groups; take one of all"] },
    {
      config: withRule({}, { rules: [rule, rule] }),
      problems: ["rules[1].name: stands twice; give each its own"],
    },
    {
      config: { groups: { all: { max: 10 } } },
      problems: ["recency", "frequency", "engagement", "high_intent", "conversion"].map(
        (group) => `groups.${group}: is missing, and the default rules use it; add it, or give rules as well`,
      ),
    },
    {
      config: { page_classes: { Pricing: ["/pricing"] } },
      problems: ["page_classes.Pricing: use lower-case letters, digits and _, at most 64, starting with a letter"],
    },
    { config: { page_classes: { pricing: [] } }, problems: ["page_classes.pricing: must not be empty"] },
    { config: { thresholds: { warm: 101 } }, problems: ["thresholds.warm: must be at most 100"] },
    {
      config: { thresholds: { warm: { score: 40, rearm: 40 } } },
      problems: ["thresholds.warm.rearm: must be below score"],
    },
    {
      config: { thresholds: { cold: 10 } },
      problems: ["thresholds.cold: is what stands below all thresholds; choose another name"],
    },
    { config: { ingest: { accept_days: 0 } }, problems: ["ingest.accept_days: must be at least 1"] },
    {
      config: { ingest: { require_write_key: "yes" } },
      problems: ["ingest.require_write_key: must be true or false"],
    },
    {
      config: { destinations: [webhook, { ...webhook, url: "https://b.example/" }] },
      problems: ["destinations[1].name: stands twice; give each its own"],
    },
    {
      config: { destinations: [{ ...webhook, url: "crm.example" }] },
      problems: ['destinations[0].url: must be an absolute URL such as "https://example.com/hook"'],
    },
    {
      config: { destinations: Array.from({ length: 51 }, (_, index) => ({ ...webhook, name: `crm${index}` })) },
      problems: ["destinations: must have at most 50 entries"],
    },
  ];

  test.each(cases)("$problems.0", ({ config, problems }) => {
    expect(problemsOf(config)).toEqual(problems);
  });

  test("all of it at once", () => {
    expect(problemsOf({ threshold: {}, ingest: { accept_days: "x" } })).toHaveLength(2);
  });

  test("an unknown kind of destination is told the known ones", () => {
    const [problem] = problemsOf({ destinations: [{ type: "webhok", name: "crm" }] });
    expect(problem).toStartWith('destinations[0].type: must be "webhook" or "log" or ');
    const [missing] = problemsOf({ destinations: [{ name: "crm" }] });
    expect(missing).toStartWith('destinations[0].type: is missing; give "webhook" or ');
  });

  test("never a secret", () => {
    const destinations = [
      { ...webhook, secret: "hunter2-hunter2" },
      { ...webhook, secrte: SECRET, secret: 5 },
    ];
    const problems = problemsOf({ destinations });
    expect(problems).toContain(
      "destinations[0].secret: use whsec_ and at least 8 bytes in base64 (24 or more are better), env:NAME or file:PATH",
    );
    expect(problems).toContain('destinations[1].secrte: is not known; "secret" may be meant');
    expect(problems.join()).not.toMatch(/hunter2|whsec_[A-Za-z0-9]{8}/);
  });
});

describe("text that is no JSON", () => {
  const cases: { text: string; problem: string }[] = [
    { text: "", problem: "line 1, column 1: the file ends where a value is expected; it was cut off" },
    { text: '{\n  "rules": [\n', problem: "line 3, column 1: the file ends where a value is expected; it was cut off" },
    { text: '{"a": 1', problem: 'line 1, column 8: the file ends where "," or "}" is expected; it was cut off' },
    { text: '{\n  "a": 1,\n}', problem: 'line 2, column 9: a comma stands before "}"; take it out' },
    { text: '{"a": [1, 2,]}', problem: 'line 1, column 12: a comma stands before "]"; take it out' },
    { text: '{"a": 1 "b": 2}', problem: 'line 1, column 9: "," or "}" is expected here' },
    { text: '{"a" 1}', problem: 'line 1, column 6: ":" is expected here' },
    { text: "{a: 1}", problem: "line 1, column 2: a key in double quotes is expected here" },
    { text: '{"a": undefined}', problem: "line 1, column 7: a value is expected here" },
    { text: '{"a": 01}', problem: "line 1, column 7: a value is expected here" },
    { text: '{"a": truely}', problem: "line 1, column 7: a value is expected here" },
    { text: "// rules\n{}", problem: "line 1, column 1: JSON has no comments; take it out" },
    { text: '{\n  # rules\n  "a": 1}', problem: "line 2, column 3: JSON has no comments; take it out" },
    { text: "{}\n{}", problem: "line 2, column 1: something stands after the end of the JSON; take it out" },
    {
      text: '{"a": "C:\\x"}',
      problem:
        'line 1, column 7: a text does not end on its line, or has a wrong escape; close it with " and write \\ as \\\\',
    },
    {
      text: `{"a": "${"x".repeat(900_000)}`,
      problem:
        'line 1, column 7: a text does not end on its line, or has a wrong escape; close it with " and write \\ as \\\\',
    },
    { text: "[".repeat(200_000), problem: "line 1, column 102: nested deeper than 100; flatten it" },
    { text: '{"a":"PK\u0003\u0004"}', problem: expect.stringContaining("line 1, column 6: ") },
  ];

  test.each(cases)("$problem", ({ text, problem }) => {
    expect(problemsOf(text)).toEqual([problem]);
  });
});

describe("the printed config", () => {
  const rich = {
    thresholds: { ready: { score: 50, rearm: 30 } },
    destinations: [
      { ...webhook, headers: { "X-Api-Key": "sesame-open" } },
      { ...webhook, name: "second-crm", secret: [SECRET, "env:OLD_SECRET"] },
      { type: "slack", name: "sales", url: "https://hooks.slack.example/T0/B0/sesame-open" },
      { type: "telegram", name: "bot", token: "123:sesame-open", chat_id: 5 },
      { ...webhook, name: "third", secret: "file:/run/secrets/crm" },
      { type: "log", name: "lines" },
    ],
  };

  test("holds references where secrets stood, and keeps references", () => {
    const { destinations } = printableConfig(configOf(rich).config);
    expect(destinations).toMatchObject([
      {
        url: "https://crm.example/hook",
        secret: "env:DO_INTENT_DESTINATION_CRM_SECRET",
        headers: { "X-Api-Key": "env:DO_INTENT_DESTINATION_CRM_HEADERS_X_API_KEY" },
      },
      { secret: ["env:DO_INTENT_DESTINATION_SECOND_CRM_SECRET", "env:OLD_SECRET"] },
      { url: "env:DO_INTENT_DESTINATION_SALES_URL" },
      { token: "env:DO_INTENT_DESTINATION_BOT_TOKEN", chat_id: 5 },
      { secret: "file:/run/secrets/crm" },
      { type: "log", name: "lines" },
    ]);
    expect(JSON.stringify(destinations)).not.toMatch(/sesame|whsec_/);
  });

  test.each([{}, rich, { $schema: "./intent.schema.json" }])("is a valid file with the same hash", (value) => {
    const { config, hash } = configOf(value);
    const printed = printableConfig(config);
    expect(configOf(printed)).toEqual({ config: printed, hash });
  });
});

describe("the hash", () => {
  const { hash } = configOf({});
  const classes = { a: ["/a*"], b: ["/b*"] };
  const same: { what: string; one: unknown; other: unknown }[] = [
    { what: "keys stand in another order", one: { thresholds: { a: 1, b: 2 } }, other: { thresholds: { b: 2, a: 1 } } },
    { what: "a default is spelled out", one: {}, other: { ingest: { accept_days: 90 } } },
    { what: "the schema is named", one: {}, other: { $schema: "x" } },
    {
      what: "a secret is rotated",
      one: { destinations: [webhook] },
      other: { destinations: [{ ...webhook, secret: `${SECRET.slice(0, -4)}abcd` }] },
    },
  ];

  test("is 16 hex digits", () => expect(hash).toMatch(/^[0-9a-f]{16}$/));

  test.each(same)("is the same when $what", ({ one, other }) => {
    expect(configOf(one).hash).toBe(configOf(other).hash);
  });

  test.each([
    { thresholds: { warm: 41, hot: 60, burning: 80 } },
    { ingest: { accept_days: 91 } },
    { destinations: [webhook] },
    { page_classes: classes },
  ])("is another for %j", (value) => {
    expect(configOf(value).hash).not.toBe(hash);
  });

  test("is another when page classes change places, since the first that matches wins", () => {
    const turned = { b: classes.b, a: classes.a };
    expect(configOf({ page_classes: turned }).hash).not.toBe(configOf({ page_classes: classes }).hash);
  });
});

describe("the JSON Schema", () => {
  const schema = intentJsonSchema();

  test("is a draft 2020-12 that asks for nothing, since everything has a default", () => {
    expect(schema.$schema).toBe("https://json-schema.org/draft/2020-12/schema");
    expect(schema.required ?? []).toEqual([]);
    expect(schema.additionalProperties).toBe(false);
  });

  test("describes every field", () => {
    expect(undescribed(schema, "")).toEqual([]);
  });

  test("takes the default config, and not what the parser refuses", () => {
    const validator = z.fromJSONSchema(schema);
    expect(validator.safeParse(printableConfig(configOf({}).config)).success).toBe(true);
    expect(validator.safeParse({ destinations: [webhook] }).success).toBe(true);
    expect(validator.safeParse(withRule({ half_live: "7d" })).success).toBe(false);
  });

  /** A destination's `type` is a constant, which says it all. */
  function undescribed(node: z.core.JSONSchema.BaseSchema, place: string): string[] {
    const fields = Object.entries(node.properties ?? {});
    const missing = fields.flatMap(([name, field]) =>
      typeof field === "object" && !field.description && field.const === undefined ? [`${place}.${name}`] : [],
    );
    const below = fields.map(([name, field]): [string, unknown] => [`${place}.${name}`, field]);
    const parts = [node.items, node.additionalProperties, node.anyOf, node.oneOf].flat();
    const nodes = [...below, ...parts.map((part): [string, unknown] => [place, part])];
    return [...missing, ...nodes.flatMap(([name, part]) => (isNode(part) ? undescribed(part, name) : []))];
  }

  function isNode(part: unknown): part is z.core.JSONSchema.BaseSchema {
    return part !== null && typeof part === "object";
  }
});

describe("a hostile file", () => {
  const nested = `${"[".repeat(50_000)}${"]".repeat(50_000)}`;

  test.each([nested, `{"destinations":[{"type":"http","name":"a","url":"https://a.example/","body":${nested}}]}`])(
    "that is nested is refused before a schema goes down it",
    (text) => {
      expect(problemsOf(text)).toEqual(["the file is nested deeper than 100; flatten it"]);
    },
  );

  test("with a problem in every line is told some of them", () => {
    const keys = Object.fromEntries(Array.from({ length: 20_000 }, (_, index) => [`key_${index}`, index]));
    const problems = problemsOf(keys);
    expect(problems).toHaveLength(51);
    expect(problems.at(-1)).toBe("and more than these 50; mend them first");
  });

  test("with names that objects have by themselves is refused", () => {
    expect(problemsOf('{"__proto__":{"rules":[]}}')).toHaveLength(1);
    expect(problemsOf(withRule({ name: "constructor" }))).toHaveLength(1);
    expect(problemsOf(withRule({ group: "constructor" }))).toHaveLength(1);
  });
});
