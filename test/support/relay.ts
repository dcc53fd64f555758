import { connect, createServer, type Socket } from "node:net";

/** A door on this machine through which everybody comes from another address of it. */
export type Relay = { port: number; [Symbol.asyncDispose](): Promise<void> };

/** Passes bytes on as they are: what is encrypted stays so from end to end. */
export async function openRelay(from: string, port: number): Promise<Relay> {
  const open = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect({ host: "127.0.0.1", port, localAddress: from });
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(one);
      one.on("error", () => undefined);
      one.on("close", () => {
        open.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    [Symbol.asyncDispose]: async () => {
      // Not waited for: whoever just came in may not be among those that are let go here.
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
}
