import { describe, expect, test } from "bun:test";
import { startInstance, type TestInstance } from "../support/instance.ts";

const LIMIT_BYTES = 500 * 1024;
const IDENTIFY_LIMIT_BYTES = 32 * 1024;

/** The instance behind a real socket on a free port. */
function listen(house: TestInstance): { url: string } & AsyncDisposable {
  house.app.listen({ port: 0, hostname: "127.0.0.1" });
  return {
    url: `http://127.0.0.1:${house.app.server?.port}`,
    [Symbol.asyncDispose]: async () => {
      await house.app.server?.stop(true);
    },
  };
}

/** A valid body of exactly so many bytes. */
function padded(path: string, bytes: number): string {
  const body =
    path === "/identify"
      ? '{"anonymous_id":"visitor-1","identity":{"email":"ada@acme.example"}}'
      : '[{"event":"page_view","anonymous_id":"visitor-1"}]';
  return body + " ".repeat(bytes - body.length);
}

/** A body in chunks, so that it goes out without a declared length. */
function chunked(text: string): ReadableStream<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  let from = 0;
  return new ReadableStream({
    pull: (controller) => {
      controller.enqueue(bytes.slice(from, from + 64 * 1024));
      from += 64 * 1024;
      if (from >= bytes.length) controller.close();
    },
  });
}

describe("how large a body may be, declared or not", () => {
  const sizes: [string, string, number, number][] = [
    ["/track: 500 KB", "/track", LIMIT_BYTES, 200],
    ["/track: a byte more", "/track", LIMIT_BYTES + 1, 413],
    ["/v1/e: a byte more", "/v1/e", LIMIT_BYTES + 1, 413],
    ["/track: four times as much", "/track", 4 * LIMIT_BYTES, 413],
    ["/identify: 32 KB", "/identify", IDENTIFY_LIMIT_BYTES, 200],
    ["/identify: a byte more", "/identify", IDENTIFY_LIMIT_BYTES + 1, 413],
  ];
  test.each(sizes)("%s", async (_, path, bytes, status) => {
    await using house = startInstance();
    await using server = listen(house);
    const text = padded(path, bytes);
    for (const body of [text, chunked(text)]) {
      const response = await fetch(`${server.url}${path}`, { method: "POST", body });
      const answer = await response.text();
      expect(response.status).toBe(status);
      if (status === 413) {
        const limit = path === "/identify" ? "32 KB" : "500 KB";
        const message = `the body is larger than ${limit}; send it in smaller parts`;
        expect(JSON.parse(answer)).toEqual({ error: { code: "too_large", message } });
      }
    }
    expect(house.rows("select 1 from event").length > 0).toBe(status === 200);
  });

  test("a body without end is answered once it is too large", async () => {
    await using house = startInstance();
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(64 * 1024).fill(32)),
    });
    expect((await house.post("/track", endless)).status).toBe(413);
  });

  test("bytes count, not characters", async () => {
    await using house = startInstance();
    await using server = listen(house);
    const body = `[{"event":"${"語".repeat(LIMIT_BYTES / 3)}"}]`;
    expect(body.length).toBeLessThan(LIMIT_BYTES);
    for (const sent of [body, chunked(body)]) {
      expect((await fetch(`${server.url}/track`, { method: "POST", body: sent })).status).toBe(413);
    }
  });
});

describe("bytes that are no text", () => {
  test("a character cut in two by chunks arrives whole", async () => {
    await using house = startInstance();
    const bytes = new TextEncoder().encode('{"event":"語","anonymous_id":"visitor-1"}');
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
        controller.close();
      },
    });
    expect((await house.post("/track", body)).status).toBe(200);
    expect(house.rows("select name from event")).toEqual([{ name: "語" }]);
  });

  test("what is no UTF-8 fails nothing but itself", async () => {
    await using house = startInstance();
    await using server = listen(house);
    const event = Buffer.concat([
      Buffer.from('{"event":"'),
      Uint8Array.of(0xff, 0xc0),
      Buffer.from('","anonymous_id":"v"}'),
    ]);
    for (const body of [event, Uint8Array.of(0xff, 0xfe, 0x00)]) {
      const { status } = await fetch(`${server.url}/track`, { method: "POST", body });
      expect([200, 400]).toContain(status);
    }
    expect((await house.get("/health")).status).toBe(200);
  });
});
