export type Sent = {
  method: string;
  path: string;
  search: string;
  origin: string | null;
  cookie: string | null;
  /** A beacon is `no-cors`, a fetch `cors`. */
  mode: string | null;
  at: number;
  bytes: number;
  body: { events?: { event: string; event_id: string }[]; identity?: object; sent_at?: number };
  status: number;
};

export type Answer = {
  status?: number;
  headers?: Record<string, string>;
  delayMs?: number;
  /** Nothing is answered before. */
  after?: Promise<unknown>;
  /** It is stored, and the answer is lost. */
  afterwards?: boolean;
};

/** Stands before the server: notes what comes by, and answers for it where a test wants a bad day. */
export function startGate(target: number) {
  const sent: Sent[] = [];
  const delaysMs = new Map<string, number>();
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
        search: url.search,
        origin: request.headers.get("origin"),
        cookie: request.headers.get("cookie"),
        mode: request.headers.get("sec-fetch-mode"),
        at: Date.now(),
        bytes: Buffer.byteLength(text),
        body: request.method === "POST" ? JSON.parse(text) : {},
        status: 0,
      };
      sent.push(note);
      const { status, headers, delayMs, after, afterwards } = request.method === "POST" ? answer : {};
      if (delayMs) await Bun.sleep(delayMs);
      await after;
      await Bun.sleep(delaysMs.get(url.pathname) ?? 0);
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
    /** Whoever asks for this waits so long. */
    delays: (path: string, ms: number) => delaysMs.set(path, ms),
    reset() {
      answer = {};
      delaysMs.clear();
      sent.length = 0;
    },
    close: () => server.stop(true),
  };
}
