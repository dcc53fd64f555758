import { Elysia } from "elysia";
import { AppError } from "../../core/error.ts";
import { documented } from "../../http/document.ts";
import type { Keys } from "../../http/keys.ts";
import type { Limits } from "../../http/limits.ts";
import { refuseOrigin } from "../../http/origin.ts";
import { answerFrame, type FrameDeps, type TakeEvents } from "./answer-frame.ts";
import type { LiveSocket } from "./socket.ts";
import type { LiveSockets } from "./sockets.ts";

const SOCKET_VERSION = "13";

export type LiveDeps = Omit<FrameDeps, "keys" | "limits"> & { keys: Keys; limits: Limits; liveSockets: LiveSockets };

/** How events are taken, as another door to them does, and from whom. */
export type LiveDoor = { take: TakeEvents; isAllowed: (origin: string) => boolean };

type Upgrader = {
  requestIP(request: Request): { address: string } | null;
  upgrade(request: Request, options: { data: LiveSocket }): boolean;
};

/** A WebSocket that takes events: each text frame is what POST /track takes, and is answered as that would be. */
export function liveRoutes(deps: LiveDeps, door: LiveDoor) {
  return new Elysia({ name: "live" }).get(
    "/live",
    ({ request, server, set }) => {
      upgrade(request, server as Upgrader | null, deps, door);
      set.status = 101;
    },
    documented({
      topic: "Taking in",
      summary: "A WebSocket that takes events: each text frame is a body of POST /track",
      access: "public",
      answer: {
        status: 101,
        type: null,
        description:
          'each frame is answered by one, in order: {"status":200,"body":{…}} with what POST /track would have answered, and retry_after, in seconds, where it would have said so; 426 without a WebSocket handshake',
      },
    }),
  );
}

function upgrade(request: Request, server: Upgrader | null, deps: LiveDeps, door: LiveDoor): void {
  const { headers } = request;
  refuseOthers(request);
  refuseOrigin(headers, door.isAllowed);
  deps.keys.ingester(headers);
  const peer = server?.requestIP(request)?.address ?? null;
  const sender = { headers, peer };
  const socket = deps.liveSockets.create(deps.limits.networkOf(headers, peer), {
    answer: (text) => answerFrame(text, sender, door.take, deps),
  });
  if (server?.upgrade(request, { data: socket }) === true) return;
  socket.close();
  throw needsHandshake();
}

/** What is no handshake, or wants more of us than there is. */
function refuseOthers({ method, headers }: Request): void {
  const isHandshake = headers.get("upgrade")?.toLowerCase() === "websocket" && headers.has("sec-websocket-key");
  if (method !== "GET" || !isHandshake || headers.get("sec-websocket-version") !== SOCKET_VERSION)
    throw needsHandshake();
  // The one that is named first would be named back as agreed upon.
  if (headers.has("sec-websocket-protocol"))
    throw new AppError(
      "invalid",
      "names sub-protocols, and none is spoken here; leave it out",
      "sec-websocket-protocol",
    );
}

function needsHandshake(): AppError {
  return new AppError(
    "upgrade_required",
    `this address takes a WebSocket, version ${SOCKET_VERSION}; open one, or send events to POST /track`,
  );
}
