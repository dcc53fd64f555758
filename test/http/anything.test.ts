import { setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import { type Answer, NOON_MS, startInstance, type TestInstance } from "../support/instance.ts";

/** What fails is made smaller before it is told, and that takes a while. */
setDefaultTimeout(120_000);

const SEED = 20_240_229;
const RUNS = 1_000;

const anything = fc.anything({
  maxDepth: 4,
  values: [
    fc.string({ unit: "binary" }),
    fc.double(),
    fc.bigInt({ min: -1_000_000_000_000n, max: 9_999_999_999_999n }).map(Number),
    fc.constantFrom(
      "\ud800",
      "a\0b",
      "null",
      "",
      "ada@acme.example",
      "+27821234567",
      "2026-05-31T00:00:00Z",
      -1,
      1e308,
    ),
    fc.boolean(),
    fc.constant(null),
  ],
  key: fc.oneof(fc.string(), fc.constantFrom("__proto__", "constructor", "toString", "event", "events", "email")),
});

/** Nearly always what is expected, so that the odd field gets past the door's first checks. */
function mostly<Value>(expected: fc.Arbitrary<Value>): fc.Arbitrary<unknown> {
  return fc.oneof({ weight: 30, arbitrary: expected }, { weight: 1, arbitrary: anything });
}

const text = fc.string({ unit: "grapheme", maxLength: 30 });
const id = mostly(fc.constantFrom("visitor-1", "visitor-2", "visitor-3"));
const time = mostly(
  fc.oneof(fc.integer({ min: NOON_MS - 1e9, max: NOON_MS + 1e9 }), fc.constant("2026-05-31T00:00:00Z")),
);

const event = fc.record(
  {
    event: mostly(fc.constantFrom("page_view", "form_submit", "identify", "toString")),
    anonymous_id: id,
    event_id: mostly(text.map((said) => `e${said}`)),
    session_id: mostly(text),
    url: mostly(fc.oneof(fc.webUrl({ withQueryParameters: true, withFragments: true }), text)),
    referrer: mostly(fc.oneof(fc.webUrl(), text)),
    timestamp: time,
    metadata: mostly(
      fc.dictionary(fc.oneof(text, fc.constantFrom("__proto__", "page_class", "utm_source")), anything, { maxKeys: 5 }),
    ),
  },
  { requiredKeys: ["event", "anonymous_id"] },
);

const envelope = fc.record({ events: mostly(fc.array(event)), sent_at: time }, { requiredKeys: ["events"] });

const claims = fc.record(
  {
    email: mostly(fc.constantFrom("ada@acme.example", "Bob@acme.example ", "eve@gmail.com")),
    user_id: mostly(fc.constantFrom("u-1", "u-2", 3)),
    phone: mostly(fc.constantFrom("+27821234567", "0027 82 123 4567")),
    name: anything,
    constructor: anything,
  },
  { requiredKeys: [] },
);
const identity = fc.record(
  {
    anonymous_id: id,
    identity: mostly(claims),
    session_id: mostly(text),
    url: mostly(text),
    timestamp: time,
    sent_at: time,
  },
  { requiredKeys: ["identity"] },
);

const request = fc.oneof(
  fc.record({ path: fc.constant("/track"), body: fc.oneof(event, fc.array(event), envelope, anything) }),
  fc.record({ path: fc.constant("/identify"), body: fc.oneof(identity, anything) }),
);

function expectAnswer({ logged }: TestInstance, { status, text }: Answer<unknown>): void {
  const body: unknown = JSON.parse(text);
  const isRefusal = body !== null && typeof body === "object" && "error" in body;
  if (![200, 400, 401, 403, 413, 422].includes(status) || isRefusal !== (status !== 200)) {
    throw new Error(`answered ${status} with ${text}`);
  }
  const faults = logged.filter((line) => !line.includes('"event":"signal"'));
  if (faults.length > 0) throw new Error(faults.join("\n"));
}

test("whatever is sent, it is taken or refused, and never a fault of ours", async () => {
  await using house = startInstance();
  await fc.assert(
    fc.asyncProperty(request, fc.boolean(), async ({ path, body }, isSecret) => {
      const sent = JSON.stringify(body) ?? "";
      expectAnswer(house, await (isSecret ? house.postSecret(path, sent) : house.post(path, sent)));
    }),
    { seed: SEED, numRuns: RUNS, includeErrorInReport: true },
  );
  const [{ events } = { events: 0 }] = house.rows<{ events: number }>("select count(*) as events from event");
  if (events < RUNS / 4) throw new Error(`only ${events} events got in`);
});

test("whatever bytes are sent, they are taken or refused", async () => {
  await using house = startInstance();
  const bytes = fc.uint8Array({ maxLength: 200 });
  const json = fc.json().map((text) => new TextEncoder().encode(text));
  await fc.assert(
    fc.asyncProperty(fc.oneof(bytes, json), fc.constantFrom("/track", "/identify"), async (body, path) => {
      expectAnswer(house, await house.post(path, new Response(body).body ?? ""));
    }),
    { seed: SEED, numRuns: RUNS, includeErrorInReport: true },
  );
});
