import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";

export type Received = { method: string; path: string; headers: { [name: string]: string }; body: string };
export type Behaviour = (request: Received, response: ServerResponse, socket: Socket) => void;

export type Receiver = {
  url: string;
  received: Received[];
  behave(behaviour: Behaviour): void;
  [Symbol.asyncDispose](): Promise<void>;
};

export const answering =
  (status: number, body = "", headers: { [name: string]: string } = {}): Behaviour =>
  (_, response) => {
    response.writeHead(status, headers).end(body);
  };

/** A real server on a port of the loopback, a free one unless said, as good or bad as it is told to be. */
export async function startReceiver(first: Behaviour = answering(200, "ok"), ownPort = 0): Promise<Receiver> {
  let behaviour = first;
  const received: Received[] = [];
  const sockets = new Set<Socket>();
  const server = createServer(async (request, response) => {
    const told = await read(request);
    received.push(told);
    behaviour(told, response, request.socket);
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(ownPort, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    received,
    behave: (next) => {
      behaviour = next;
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function read(request: IncomingMessage): Promise<Received> {
  let body = "";
  for await (const chunk of request) body += chunk;
  const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
  return { method: request.method ?? "", path: request.url ?? "", headers, body };
}
