import { describe, expect, test } from "bun:test";
import { startInstance } from "../../support/instance.ts";
import { expectRefusal, MARKER } from "../../support/secrecy.ts";

/** The list, with the forms that a language's own nothing takes on its way here. */
const nobodies = [
  ..."anon anonymous guest nil none null n/a na undefined unknown <nil> 0 -1 true false [] {} NaN email id".split(" "),
  ..."distinct_id distinctid not_authenticated".split(" "),
  "[object Object]",
  "000",
  "-",
  "0-0",
  "00000000-0000-0000-0000-000000000000",
  "",
  " ",
  "\t\n",
];

const spellings: [string, (value: string) => string][] = [
  ["as it is", (value) => value],
  ["in capitals", (value) => value.toUpperCase()],
  ["with blanks around it", (value) => `  ${value} `],
  ["in double quotes", (value) => `"${value}"`],
  ["in single quotes", (value) => `'${value}'`],
  ["in quotes in quotes", (value) => `"'${value}'"`],
];

describe("a value that stands for nobody ties nobody to anybody", () => {
  test.each(nobodies.map((value) => [JSON.stringify(value), value]))("%s", async (_, value) => {
    await using house = startInstance();
    const bodies = (said: string): [string, object][] => [
      ["identity.user_id", { anonymous_id: "visitor-1", identity: { user_id: said } }],
      ["identity.email", { anonymous_id: "visitor-1", identity: { email: said } }],
      ["identity.phone", { anonymous_id: "visitor-1", identity: { phone: said } }],
      ["anonymous_id", { anonymous_id: said, identity: { email: "ada@acme.example" } }],
    ];
    for (const [, spell] of spellings) {
      const said = spell(value);
      const says = said.replace(/["'\s]/g, "") === "" ? "blank" : "placeholder";
      for (const [field, body] of bodies(said)) {
        const answer = await house.post("/identify", body);
        expectRefusal(house, answer, { status: 422, code: "invalid", field, says });
      }
      const event = { event: "page_view", anonymous_id: said };
      const answer = await house.post("/track", event);
      expectRefusal(house, answer, { status: 422, code: "invalid", field: "anonymous_id", says });
    }
    expect(house.rows("select 1 from identity")).toEqual([]);
  });

  test.each([[0], [-1], [-0]])("the number %p as user_id", async (userId) => {
    await using house = startInstance();
    const answer = await house.post("/identify", { identity: { user_id: userId } });
    expectRefusal(house, answer, { status: 422, code: "invalid", field: "identity.user_id", says: "placeholder" });
  });

  const somebodies = [
    "id-1",
    "anon-17",
    "10",
    "guesthouse",
    "nullmann",
    "0x1",
    "truefalse",
    "-1-",
    "email@acme.example",
  ];
  test.each(somebodies.map((value) => [value]))('but "%s" is somebody', async (value) => {
    await using house = startInstance();
    expect((await house.post("/identify", { identity: { user_id: value } })).status).toBe(200);
    expect(house.rows("select value from identity")).toEqual([{ value }]);
  });
});

const identity = { email: "ada@acme.example", name: MARKER };
const marked = { anonymous_id: MARKER, identity, session_id: MARKER, url: `/${MARKER}`, referrer: MARKER };

type Refused = { body: unknown; status?: number; code?: string; field?: string; says?: string };
const refused: [string, Refused][] = [
  ["nothing", { body: "", status: 400, code: "invalid_json" }],
  ["half of it", { body: `{"anonymous_id":"${MARKER}"`, status: 400, code: "invalid_json" }],
  ["null", { body: "null", says: "object" }],
  ["a list", { body: [marked], says: "object" }],
  ["no identity", { body: { ...marked, identity: undefined }, field: "identity", says: "missing" }],
  ["identity text", { body: { ...marked, identity: MARKER }, field: "identity", says: "object" }],
  ["identity a list", { body: { ...marked, identity: [MARKER] }, field: "identity" }],
  ["identity empty", { body: { ...marked, identity: {} }, field: "identity", says: "names nobody" }],
  ["traits of nobody", { body: { identity: { name: MARKER } }, field: "identity", says: "names nobody" }],
  ["anonymous_id a number", { body: { ...marked, anonymous_id: 5 }, field: "anonymous_id", says: "string" }],
  [
    "anonymous_id too long",
    { body: { ...marked, anonymous_id: MARKER.repeat(11) }, field: "anonymous_id", says: "64" },
  ],
  [
    "email a number",
    { body: { ...marked, identity: { ...identity, email: 5 } }, field: "identity.email", says: "string" },
  ],
  [
    "email none",
    { body: { ...marked, identity: { ...identity, email: MARKER } }, field: "identity.email", says: "e-mail" },
  ],
  [
    "two e-mails",
    {
      body: { ...marked, identity: { email: `${MARKER}@a.example,${MARKER}@b.example` } },
      field: "identity.email",
      says: "e-mail",
    },
  ],
  [
    "email with NUL",
    { body: { ...marked, identity: { email: `a\0${MARKER}@b.example` } }, field: "identity.email", says: "control" },
  ],
  [
    "email too long",
    {
      body: { ...marked, identity: { email: `${MARKER.repeat(45)}@acme.example` } },
      field: "identity.email",
      says: "254",
    },
  ],
  ["phone none", { body: { ...marked, identity: { phone: MARKER } }, field: "identity.phone", says: "E.164" }],
  [
    "phone without its country",
    { body: { ...marked, identity: { phone: "082 123 4567" } }, field: "identity.phone", says: "E.164" },
  ],
  [
    "user_id an object",
    { body: { ...marked, identity: { user_id: { a: MARKER } } }, field: "identity.user_id", says: "string" },
  ],
  [
    "user_id with a fraction",
    { body: { ...marked, identity: { user_id: 1.5 } }, field: "identity.user_id", says: "string" },
  ],
  [
    "user_id too long",
    { body: { ...marked, identity: { user_id: MARKER.repeat(40) } }, field: "identity.user_id", says: "200" },
  ],
  [
    "user_id in broken Unicode",
    { body: { ...marked, identity: { user_id: `${MARKER}\ud800` } }, field: "identity.user_id", says: "Unicode" },
  ],
  [
    "session_id in broken Unicode",
    { body: { ...marked, session_id: `${MARKER}\ud800` }, field: "session_id", says: "Unicode" },
  ],
  ["url too long", { body: { ...marked, url: MARKER.repeat(700) }, field: "url", says: "4096" }],
  [
    "65 traits",
    {
      body: {
        ...marked,
        identity: Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`${MARKER}${index}`, 1])),
      },
      field: "identity",
      says: "64",
    },
  ],
  [
    "traits nested 6 deep",
    { body: { ...marked, identity: { ...identity, a: [[[[[MARKER]]]]] } }, field: "identity", says: "5" },
  ],
  [
    "traits nested 5,000 deep",
    {
      body: `{"anonymous_id":"v","identity":{"a":${"[".repeat(5_000)}${"]".repeat(5_000)}}}`,
      field: "identity",
      says: "5",
    },
  ],
  ["timestamp a word", { body: { ...marked, timestamp: MARKER }, field: "timestamp", says: "ISO 8601" }],
  ["timestamp too old", { body: { ...marked, timestamp: 1 }, field: "timestamp", says: "90 days" }],
  ["sent_at a word", { body: { ...marked, sent_at: MARKER }, field: "sent_at", says: "ISO 8601" }],
  ["a field that is not known", { body: { ...marked, [MARKER]: MARKER }, says: "not known" }],
  [
    "33 KB",
    {
      body: { ...marked, identity: { ...identity, note: MARKER.repeat(5_500) } },
      status: 413,
      code: "too_large",
      says: "32 KB",
    },
  ],
];

describe("an identify that is refused changes nothing", () => {
  test.each(refused)("%s", async (_, { body, status = 422, code = "invalid", field, says }) => {
    await using house = startInstance();
    const text = typeof body === "string" ? body : JSON.stringify(body);
    for (const post of [house.post, house.postSecret]) {
      expectRefusal(house, await post("/identify", text), { status, code, field, says });
    }
    expect(house.rows("select 1 from person union all select 1 from event")).toEqual([]);
    expect(house.logged).toEqual([]);
  });
});
