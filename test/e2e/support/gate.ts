export type Sent = {
  method: string;
  path: string;
  origin: string | null;
  cookie: string | null;
  at: number;
  bytes: number;
  body: { events?: { event: string; event_id: string }[]; identity?: object; sent_at?: number };
  status: number;
};

export type Answer = { status?: number; headers?: Record<string, string>; delayMs?: number; afterwards?: boolean };

/** Stands before the server: notes what comes by, and answers for it where a test wants a bad day. */
export function startGate(target: number) {
  const sent: Sent[] = [];
  let answer: Answer = {};
  const server = Bun.serve({
    port: 0,
    idleTimeout: 60,
    async fetch(request) {
      const url = new URL(request.url);
      const text = await request.text();
      const note: Sent = {
        method: request.method,
        path: url.pathname,
        origin: request.headers.get("origin"),
        cookie: request.headers.get("cookie"),
        at: Date.now(),
        bytes: Buffer.byteLength(text),
        body: request.method === "POST" ? JSON.parse(text) : {},
        status: 0,
      };
      sent.push(note);
      const { status, headers, delayMs, afterwards } = request.method === "POST" ? answer : {};
      if (delayMs) await Bun.sleep(delayMs);
      const pass = () =>
        fetch(`http://127.0.0.1:${target}${url.pathname}${url.search}`, {
          method: request.method,
          headers: request.headers,
          ...(request.method === "POST" && { body: text }),
          decompress: false,
        }).catch(() => new Response(null, { status: 502 }));
      if (status && !afterwards) {
        note.status = status;
        const allow = { "access-control-allow-origin": note.origin ?? "*", "access-control-allow-credentials": "true" };
        return new Response(null, {
          status,
          headers: { ...allow, "access-control-expose-headers": "retry-after", ...headers },
        });
      }
      const real = await pass();
      note.status = real.status;
      // Stored, but the answer is lost on its way back.
      if (afterwards) return new Response(null, { status: status ?? 502 });
      return real;
    },
  });
  return {
    port: server.port ?? 0,
    sent,
    posts: () => sent.filter(({ method }) => method === "POST"),
    answers(next: Answer) {
      answer = next;
    },
    reset() {
      answer = {};
      sent.length = 0;
    },
    close: () => server.stop(true),
  };
}
