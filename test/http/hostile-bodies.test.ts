import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { listen } from "../../src/commands/serve.ts";
import { FRAME_BYTES_MAX } from "../../src/features/live/limits.ts";
import { startInstance, type TestInstance } from "../support/instance.ts";
import { openLive } from "../support/live.ts";
import { MARKER } from "../support/secrecy.ts";

let house: TestInstance;
let url: string;

beforeAll(() => {
  house = startInstance();
  listen(house, { host: "127.0.0.1", port: 0 });
  url = `http://127.0.0.1:${house.app.server?.port}`;
});

afterAll(async () => {
  await house.app.server?.stop(true);
  await house[Symbol.asyncDispose]();
});

type Row = {
  name: string;
  body: string | Uint8Array<ArrayBuffer>;
  path?: "/track" | "/identify";
  headers?: { [name: string]: string };
  status: number;
  code?: string;
  field?: string;
};

const bytes = (...parts: (string | number[])[]): Uint8Array<ArrayBuffer> =>
  new Uint8Array(
    Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(part) : Buffer.from(part)))),
  );
const event = (more: string) => `{"event":"page_view","anonymous_id":"visitor-1",${more}}`;
const person = (identity: string) => `{"anonymous_id":"visitor-1","identity":{"email":"ada@acme.example",${identity}}}`;
const nested = (depth: number, inner = "1") => `${'{"a":'.repeat(depth)}${inner}${"}".repeat(depth)}`;

const notJson = { status: 400, code: "invalid_json" };
const invalid = (field?: string) => ({ status: 422, code: "invalid", ...(field === undefined ? {} : { field }) });

const TABLE: Row[] = [
  { name: "nothing", body: "", ...notJson },
  { name: "blanks", body: " \n\t", ...notJson },
  { name: "a text", body: `"${MARKER}"`, ...invalid() },
  { name: "null", body: "null", ...invalid() },
  { name: "a number beyond numbers", body: "1e400", ...invalid() },
  { name: "half an object", body: `{"event":"${MARKER}`, ...notJson },
  { name: "two objects", body: `{}{}`, ...notJson },
  { name: "a comma too many", body: `{"event":"page_view",}`, ...notJson },
  { name: "a script", body: "<script>alert(1)</script>", ...notJson },
  { name: "a form", body: "event=page_view&anonymous_id=visitor-1", ...notJson },
  {
    name: "XML",
    body: '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
    ...notJson,
  },
  {
    name: "another content type does not matter",
    body: event('"url":"/"'),
    headers: { "content-type": "image/png" },
    status: 200,
  },
  { name: "a content type that is none", body: event('"url":"/"'), headers: { "content-type": ";;;=" }, status: 200 },

  { name: "lists in lists, a hundred thousand deep", body: "[".repeat(100_000) + "]".repeat(100_000), ...invalid() },
  { name: "lists that never close", body: "[".repeat(100_000), ...notJson },
  { name: "objects twenty thousand deep", body: nested(20_000), ...invalid() },
  { name: "metadata six deep", body: event(`"metadata":${nested(6)}`), ...invalid("metadata") },
  { name: "metadata nine thousand deep", body: event(`"metadata":${nested(4_000)}`), ...invalid("metadata") },
  { name: "traits six deep", path: "/identify", body: person(`"a":${nested(6)}`), ...invalid("identity") },
  {
    name: "metadata of a thousand keys",
    body: event(`"metadata":{${Array.from({ length: 1_000 }, (_, index) => `"k${index}":1`).join()}}`),
    ...invalid("metadata"),
  },
  {
    name: "an event of forty kilobytes",
    body: event(`"metadata":{"a":"${"a".repeat(40_000)}"}`),
    status: 413,
    code: "too_large",
  },
  { name: "a key of thirty kilobytes in metadata", body: event(`"metadata":{"${"a".repeat(30_000)}":1}`), status: 200 },
  {
    name: "a batch of a thousand",
    body: `[${Array(1_000).fill(event('"url":"/"')).join()}]`,
    status: 413,
    code: "too_large",
    field: "events",
  },

  { name: "the prototype as an event's field", body: event('"__proto__":{"isTrusted":true}'), ...invalid() },
  {
    name: "the constructor as an event's field",
    body: event('"constructor":{"prototype":{"polluted":1}}'),
    ...invalid(),
  },
  { name: "the prototype in metadata", body: event('"metadata":{"__proto__":{"polluted":1}}'), status: 200 },
  {
    name: "the constructor in metadata",
    body: event('"metadata":{"constructor":{"prototype":{"polluted":1}}}'),
    status: 200,
  },
  { name: "the prototype as a trait", path: "/identify", body: person('"__proto__":{"polluted":1}'), status: 200 },
  {
    name: "methods of objects as traits",
    path: "/identify",
    body: person('"toString":1,"valueOf":2,"hasOwnProperty":3,"constructor":4'),
    status: 200,
  },
  {
    name: "the prototype as an identity",
    path: "/identify",
    body: '{"anonymous_id":"visitor-1","identity":{"__proto__":{"email":"eve@acme.example"}}}',
    ...invalid("identity"),
  },

  {
    name: "NUL in an anonymous_id",
    body: '{"event":"page_view","anonymous_id":"a\\u0000b"}',
    ...invalid("anonymous_id"),
  },
  {
    name: "NUL in an e-mail address",
    path: "/identify",
    body: '{"identity":{"email":"ada\\u0000@acme.example"}}',
    ...invalid("identity.email"),
  },
  { name: "NUL in metadata", body: event('"metadata":{"a":"b\\u0000c"}'), status: 200 },
  { name: "NUL in a url", body: event('"url":"/a\\u0000b"'), status: 200 },
  { name: "NUL, not escaped", body: event('"url":"/a\u0000b"'), ...notJson },
  { name: "half a surrogate in an event_id", body: event('"event_id":"\\ud800"'), ...invalid("event_id") },
  { name: "half a surrogate in a session_id", body: event('"session_id":"a\\udfff"'), ...invalid("session_id") },
  {
    name: "half a surrogate in an anonymous_id",
    body: '{"event":"page_view","anonymous_id":"\\ud800visitor"}',
    ...invalid("anonymous_id"),
  },
  {
    name: "half a surrogate in a user_id",
    path: "/identify",
    body: '{"identity":{"user_id":"\\ud800user"}}',
    ...invalid("identity.user_id"),
  },
  { name: "half a surrogate in metadata", body: event('"metadata":{"a":"\\ud800","\\udfff":1}'), status: 200 },

  { name: "a time beyond numbers", body: event('"timestamp":1e400'), ...invalid("timestamp") },
  { name: "a time before numbers", body: event('"timestamp":-1e400'), ...invalid("timestamp") },
  {
    name: "a number beyond numbers in metadata",
    body: event('"metadata":{"a":1e400,"b":-1e400,"c":1e-400}'),
    status: 200,
  },
  {
    name: "a user_id beyond numbers",
    path: "/identify",
    body: '{"identity":{"user_id":1e400}}',
    ...invalid("identity.user_id"),
  },
  { name: "a number of a thousand digits", body: event(`"metadata":{"a":${"9".repeat(1_000)}}`), status: 200 },
  { name: "NaN", body: event('"metadata":{"a":NaN}'), ...notJson },
  {
    name: "a field twice: the latter counts",
    body: `{"event":"${MARKER}","event":"page_view","anonymous_id":"visitor-1"}`,
    status: 200,
  },
  {
    name: "an identifier twice, the latter of nobody",
    body: '{"event":"page_view","anonymous_id":"visitor-1","anonymous_id":"null"}',
    ...invalid("anonymous_id"),
  },

  {
    name: "bytes that are no UTF-8",
    body: bytes('{"event":"page_view","anonymous_id":"visitor-', [0xff, 0xfe], '"}'),
    ...notJson,
  },
  {
    name: "a character cut in half",
    body: bytes('{"event":"page_view","anonymous_id":"visitor-', [0xe2, 0x82], '"}'),
    ...notJson,
  },
  {
    name: "an overlong character",
    body: bytes('{"event":"page_view","anonymous_id":"visitor-', [0xc0, 0x80], '"}'),
    ...notJson,
  },
  {
    name: "Latin-1",
    body: bytes('{"event":"page_view","anonymous_id":"visitor-1","metadata":{"city":"Z', [0xfc], 'rich"}}'),
    ...notJson,
  },
  { name: "UTF-16", body: new Uint8Array(Buffer.from(event('"url":"/"'), "utf16le")), ...notJson },
  { name: "a byte order mark", body: bytes([0xef, 0xbb, 0xbf], event('"url":"/"')), status: 200 },
  { name: "the sign of what could not be read, as such", body: event('"metadata":{"title":"a\ufffdb"}'), status: 200 },

  {
    name: "gzip, said so",
    body: new Uint8Array(gzipSync(event('"url":"/"'))),
    headers: { "content-encoding": "gzip" },
    status: 415,
    code: "unsupported_encoding",
    field: "content-encoding",
  },
  { name: "gzip, not said so", body: new Uint8Array(gzipSync(event('"url":"/"'))), ...notJson },
  {
    name: "said to be gzip, and is not",
    body: event('"url":"/"'),
    headers: { "content-encoding": "gzip" },
    status: 415,
    code: "unsupported_encoding",
    field: "content-encoding",
  },
  {
    name: "an encoding that there is none of",
    body: event('"url":"/"'),
    headers: { "content-encoding": MARKER },
    status: 415,
    code: "unsupported_encoding",
    field: "content-encoding",
  },
  {
    name: "a small body that would grow to gigabytes",
    body: new Uint8Array(gzipSync(Buffer.alloc(50_000_000))),
    headers: { "content-encoding": "gzip" },
    status: 415,
    code: "unsupported_encoding",
    field: "content-encoding",
  },
  {
    name: "the encoding that is none",
    body: event('"url":"/"'),
    headers: { "content-encoding": "identity" },
    status: 200,
  },
];

describe("hostile bodies", () => {
  test.each(TABLE)("$name", async ({ path = "/track", body, headers = {}, status, code, field }) => {
    const response = await fetch(url + path, { method: "POST", body, headers });
    const text = await response.text();
    const answer = JSON.parse(text);
    expect({ status: response.status, text: response.status === status ? "" : text }).toEqual({ status, text: "" });
    if (code !== undefined) expect(answer.error).toMatchObject({ code, ...(field === undefined ? {} : { field }) });
    expect(text).not.toContain(MARKER);
    expect(house.logged.filter((line) => line.includes('"error"'))).toEqual([]);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    expect(({} as { isTrusted?: unknown }).isTrusted).toBeUndefined();
  });

  test("the same in chunks of a byte", async () => {
    for (const { path = "/track", body, headers = {}, status } of TABLE) {
      if (body.length > 2_000) continue;
      const whole = typeof body === "string" ? new TextEncoder().encode(body) : body;
      const pieces = new ReadableStream({
        start: (stream) => {
          for (const byte of whole) stream.enqueue(new Uint8Array([byte]));
          stream.close();
        },
      });
      const answer = await house.post(path, pieces, headers);
      expect(`${answer.status} ${answer.status === status ? "" : answer.text}`).toBe(`${status} `);
    }
  });

  test("the same as frames of a socket", async () => {
    for (const { name, path = "/track", body, headers, status, code, field } of TABLE) {
      // What is no text is no text frame either.
      if (path !== "/track" || typeof body !== "string" || headers?.["content-encoding"] !== undefined) continue;
      if (Buffer.byteLength(body) > FRAME_BYTES_MAX) continue;
      const client = await openLive(url);
      const answer = await client.ask<{ error?: object }>(body);
      client.close();
      expect([name, answer.status]).toEqual([name, status]);
      if (code !== undefined)
        expect(answer.body.error).toMatchObject({ code, ...(field === undefined ? {} : { field }) });
      expect(JSON.stringify(answer)).not.toContain(MARKER);
    }
    expect(house.logged.filter((line) => line.includes('"error"'))).toEqual([]);
  });

  test("what was taken can be read, shown, explained and told", async () => {
    for (const path of [
      "/people",
      "/people/visitor-1",
      "/people/visitor-1/events",
      "/people/visitor-1/explain",
      "/signals",
    ]) {
      const { status, body } = await house.getSecret(path);
      expect(status).toBe(200);
      expect(body).not.toBeNull();
    }
    const [{ count } = { count: 0 }] = house.rows<{ count: number }>("select count(*) as count from event");
    expect(count).toBeGreaterThan(15);
  });
});

describe("absurd queries of who may read", () => {
  const queries: [string, number][] = [
    ["/people?limit=0", 422],
    ["/people?limit=-1", 422],
    ["/people?limit=1e400", 422],
    ["/people?limit=NaN", 422],
    ["/people?limit=5&limit=6", 200],
    ["/people?limit[]=5", 422],
    ["/people?limit=%00", 422],
    ["/people?__proto__=1", 422],
    ["/people?constructor[prototype][a]=1", 422],
    [`/people?email=${"a".repeat(7_000)}`, 422],
    ["/people?email=%FF%FE", 422],
    ["/people?email=%ED%A0%80@acme.example", 200],
    ["/people?cursor=%5B1%5D", 422],
    [`/people?cursor=${Buffer.from("[1e400,null]").toString("base64url")}`, 422],
    ["/people?level='%20or%201=1--", 422],
    ["/people/visitor-1/explain?at=1e400", 422],
    ["/people/visitor-1/explain?at=-99999999999999999999", 422],
    ["/people/'%20or%201=1--", 404],
    ["/people/%00", 404],
    ["/people/__proto__", 404],
    ["/people/..%2f..%2fetc%2fpasswd", 404],
    ["/accounts/__proto__", 404],
    ["/accounts/%F0%9F%92%A9.la", 404],
    ["/signals?since=never", 422],
    ["/attribution?by=__proto__", 422],
    ["/deliveries?state[]=dead", 422],
  ];
  test.each(queries)("%s: %d", async (path, status) => {
    const answer = await house.getSecret(path);
    expect(`${answer.status} ${answer.status === status ? "" : answer.text}`).toBe(`${status} `);
    expect(house.logged.filter((line) => line.includes('"error"'))).toEqual([]);
  });
});
