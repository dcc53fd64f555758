/**
 * What webhooks are sent to, in a process of its own: it must not slow the load generator, and so it parses no more of
 * a request than where it ends. Told `count`, `arrivals` or `clear`, it answers with how many signals came, or when.
 */
const HEAD_END = "\r\n\r\n";
const ANSWER = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

const arrivedAt = new Map<string, number>();

const listener = Bun.listen<{ held: string }>({
  hostname: "127.0.0.1",
  port: 0,
  socket: {
    open: (socket) => {
      socket.data = { held: "" };
    },
    data: (socket, chunk) => {
      const at = performance.timeOrigin + performance.now();
      let held = socket.data.held + chunk.toString("latin1");
      for (;;) {
        const headEnd = held.indexOf(HEAD_END);
        const length = Number(/content-length: (\d+)/i.exec(held.slice(0, headEnd))?.[1] ?? 0);
        const end = headEnd + HEAD_END.length + length;
        if (headEnd < 0 || held.length < end) break;
        const idAt = held.indexOf('"signal_id":"', headEnd) + '"signal_id":"'.length;
        arrivedAt.set(held.slice(idAt, held.indexOf('"', idAt)), at);
        held = held.slice(end);
        socket.write(ANSWER);
      }
      socket.data.held = held;
    },
  },
});

process.on("message", (told) => {
  if (told === "clear") arrivedAt.clear();
  process.send?.(told === "arrivals" ? { arrivedAt: [...arrivedAt] } : { count: arrivedAt.size });
});
process.on("disconnect", () => process.exit());
process.send?.({ port: listener.port });
