import fc from "fast-check";
import { BROWSER } from "../support/instance.ts";
import { MARKER } from "../support/secrecy.ts";

export type Route = { method: string; path: string };

/** One request, to the byte. */
export type Input = {
  bytes: Uint8Array;
  isHead: boolean;
  isSecret: boolean;
  /** It is meant that what is sent comes back. */
  isRepeating: boolean;
  /** As HTTP has it from its first to its last byte: somebody waits for the answer. */
  isComplete: boolean;
};

const METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "BREW"];
const HEADERS_MAX = 150;
const HEADERS_TAKEN_MAX = 60;

export const odd = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.string({ maxLength: 60 }),
  fc.constantFrom(
    MARKER,
    `${MARKER}@acme.example`,
    "ada@acme.example",
    "visitor-1",
    "per_1",
    "../../etc/passwd",
    "%00",
    "%",
    "\u0000",
    "\ud800",
    "__proto__",
    "constructor",
    "-1",
    "1e400",
    "NaN",
    "2026-02-30",
    "' or 1=1 --",
    "<script>",
    "{{7*7}}",
    "x".repeat(5_000),
  ),
);

const json: fc.Arbitrary<unknown> = fc.anything({
  maxDepth: 4,
  values: [odd, fc.double(), fc.integer(), fc.boolean(), fc.constant(null)],
  key: fc.oneof(odd, fc.constantFrom("event", "events", "anonymous_id", "identity", "email", "metadata", "toString")),
});

const mostly = <Value>(expected: fc.Arbitrary<Value>): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 12, arbitrary: expected }, { weight: 1, arbitrary: json });

const visitor = mostly(fc.constantFrom("visitor-1", "visitor-2", `${MARKER}-3`));

const event = fc.record(
  {
    event: mostly(fc.constantFrom("page_view", "form_submit", MARKER)),
    anonymous_id: visitor,
    event_id: mostly(odd),
    session_id: mostly(odd),
    url: mostly(fc.oneof(fc.constantFrom("/pricing", `https://a.example/?utm_source=${MARKER}`), odd)),
    referrer: mostly(odd),
    timestamp: mostly(fc.integer()),
    metadata: json,
    [MARKER]: json,
  },
  { requiredKeys: ["event", "anonymous_id"] },
);

const identity = fc.record(
  {
    anonymous_id: visitor,
    identity: mostly(fc.record({ email: odd, user_id: json, name: json }, { requiredKeys: [] })),
    user_hash: odd,
    url: odd,
  },
  { requiredKeys: ["identity"] },
);

export const text = (value: unknown): Uint8Array =>
  Buffer.from(typeof value === "string" ? value : (JSON.stringify(value) ?? ""));

const form = fc
  .dictionary(fc.oneof(odd, fc.constantFrom("email", "name", "website", "company")), odd, { maxKeys: 6 })
  .map((fields) =>
    text(
      Object.entries(fields)
        .map(([name, value]) => `${name}=${encoded(value)}`)
        .join("&"),
    ),
  );

const nested = fc
  .integer({ min: 1, max: 5_000 })
  .map((depth) => text(`{"event":"x","anonymous_id":"v","metadata":${'{"a":'.repeat(depth)}1${"}".repeat(depth)}}`));

export const body: fc.Arbitrary<Uint8Array> = fc.oneof(
  { weight: 4, arbitrary: event.map(text) },
  {
    weight: 3,
    arbitrary: fc
      .oneof(fc.array(event, { maxLength: 5 }), fc.record({ events: fc.array(event), sent_at: json }))
      .map(text),
  },
  { weight: 3, arbitrary: identity.map(text) },
  { weight: 2, arbitrary: form },
  { weight: 2, arbitrary: json.map(text) },
  { weight: 2, arbitrary: fc.uint8Array({ maxLength: 300 }) },
  { weight: 1, arbitrary: nested },
  {
    weight: 1,
    arbitrary: fc.constantFrom("", "{", "[]", "null", "\ufeff{}", `"${MARKER}"`, "[".repeat(100_000)).map(text),
  },
);

/** What may stand in a header's value on the wire. */
const value = odd.map((said) => said.replace(/[\r\n\0]/g, " "));

const header: fc.Arbitrary<readonly [string, string]> = fc.oneof(
  fc.tuple(
    fc.constant("content-type"),
    fc.oneof(
      fc.constantFrom(
        "application/json",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
      ),
      value,
    ),
  ),
  fc.tuple(
    fc.constant("origin"),
    fc.oneof(fc.constantFrom("https://www.example.com", "null", `https://${MARKER}.example`), value),
  ),
  fc.tuple(
    fc.constantFrom("referer", "accept", "accept-language", "accept-encoding", "range", "if-none-match", "cookie"),
    value,
  ),
  fc.tuple(fc.constant("user-agent"), fc.oneof(fc.constantFrom(BROWSER, "Googlebot/2.1", "curl/8"), value)),
  fc.tuple(
    fc.constantFrom("x-forwarded-for", "x-real-ip", "forwarded", "x-forwarded-proto"),
    fc.oneof(fc.ipV4(), fc.ipV6(), value),
  ),
  fc.tuple(fc.constantFrom("sec-gpc", "dnt"), fc.constantFrom("1", "0", MARKER)),
  fc.tuple(
    fc.constant("cookie"),
    odd.map((said) => `_di=${said.replace(/[\r\n\0]/g, "")}; ${MARKER}=1`),
  ),
  fc.tuple(
    fc.constantFrom("content-encoding", "expect", "upgrade", "connection", "x-request-id", "server-timing"),
    fc.oneof(fc.constantFrom("gzip", "100-continue", "websocket", "close", "keep-alive"), value),
  ),
  fc.tuple(fc.constant(`x-${MARKER}`), value),
);

const query = fc.oneof(
  fc.constant(""),
  fc
    .array(
      fc.tuple(
        fc.oneof(
          fc.constantFrom(
            "level",
            "limit",
            "cursor",
            "at",
            "by",
            "sort",
            "touch",
            "since",
            "email",
            "url",
            "v",
            "s",
            "utm_source",
            "person",
            "state",
          ),
          odd,
        ),
        odd,
      ),
      { maxLength: 4 },
    )
    .map((pairs) => `?${pairs.map(([name, said]) => `${encoded(name)}=${encoded(said)}`).join("&")}`),
  odd.map((said) => `?${said.replace(/[\s\0#]/g, "")}`),
);

const segment = fc.oneof(fc.constantFrom("visitor-1", "per_1", "ada@acme.example", "crm", "spring"), odd).map(encoded);

/** Percent-encoded as far as it can be; what is no text stays a broken escape. */
export function encoded(said: string): string {
  try {
    return encodeURIComponent(said);
  } catch {
    return "%ED%A0%80";
  }
}

function targetOf(path: string): fc.Arbitrary<string> {
  const parts = path.split("/").map((part) => (/^[:*]/.test(part) ? segment : fc.constant(part)));
  return fc
    .tuple(
      fc.tuple(...parts).map((said) => said.join("/") || "/"),
      query,
    )
    .map((said) => said.join(""));
}

/** Requests to all of these routes, and to what is none; now and then with the secret key. */
export function inputs(routes: readonly Route[], secretKey: string): fc.Arbitrary<Input> {
  const known = fc.oneof(
    ...routes.map(({ method, path }) =>
      fc.record({
        method: fc.oneof(
          { weight: 8, arbitrary: fc.constant(method) },
          { weight: 1, arbitrary: fc.constantFrom(...METHODS) },
        ),
        target: targetOf(path),
      }),
    ),
  );
  const unknown = fc.record({
    method: fc.constantFrom(...METHODS),
    target: fc.oneof(
      fc.webPath(),
      odd.map((said) => `/${said.replace(/[\s\0]/g, "")}`),
      fc.constantFrom("/..", "//", "*"),
    ),
  });
  return fc
    .record({
      line: fc.oneof({ weight: 12, arbitrary: known }, { weight: 1, arbitrary: unknown }),
      headers: fc.oneof(
        { weight: 20, arbitrary: fc.array(header, { maxLength: 5 }) },
        { weight: 1, arbitrary: fc.array(header, { minLength: 60, maxLength: HEADERS_MAX }) },
      ),
      authorization: fc.oneof(
        { weight: 12, arbitrary: fc.constant(null) },
        { weight: 3, arbitrary: fc.constant(`Bearer ${secretKey}`) },
        { weight: 1, arbitrary: value.map((said) => `Bearer ${said}`) },
        { weight: 1, arbitrary: value },
      ),
      body,
      isChunked: fc.integer({ max: 15, min: 0 }).map((chance) => chance === 0),
    })
    .map(({ line: { method, target }, headers: said, authorization, body, isChunked }) => {
      const headers = [...said, ...(authorization === null ? [] : [["authorization", authorization] as const])];
      return {
        bytes: requestOf({ method, target, headers, body, isChunked }),
        isHead: method === "HEAD",
        isSecret: authorization === `Bearer ${secretKey}`,
        isRepeating: false,
        isComplete: isComplete(method, target, headers),
      };
    });
}

type Request = {
  method: string;
  target: string;
  headers: readonly (readonly [name: string, value: string])[];
  body: Uint8Array;
  isChunked: boolean;
};

export function requestOf({ method, target, headers, body, isChunked }: Request): Uint8Array {
  const lines = [
    `${method} ${target} HTTP/1.1`,
    "host: localhost",
    ...headers.map(([name, said]) => `${name}: ${said}`),
    isChunked ? "transfer-encoding: chunked" : `content-length: ${body.length}`,
  ];
  const head = Buffer.from(`${lines.join("\r\n")}\r\n\r\n`);
  const chunk = [Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from("\r\n")];
  const sent = isChunked ? [...(body.length > 0 ? chunk : []), Buffer.from("0\r\n\r\n")] : [body];
  return Buffer.concat([head, ...sent]);
}

/** A switch to another protocol is another conversation, and too many headers are no request. */
function isComplete(method: string, target: string, headers: Request["headers"]): boolean {
  const isKnown = METHODS.includes(method) && method !== "BREW" && /^\/[!-~]*$/.test(target);
  const isOrdinary = ([name, value]: readonly [string, string]): boolean =>
    !["upgrade", "expect"].includes(name) && /^[\t -~]*$/.test(value);
  return isKnown && headers.length < HEADERS_TAKEN_MAX && headers.every(isOrdinary);
}
