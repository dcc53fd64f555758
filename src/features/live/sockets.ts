import { type Ending, STOPPING, TOO_MANY_OF_NETWORK, TOO_MANY_SOCKETS } from "./ending.ts";
import { SOCKETS_MAX, SOCKETS_PER_NETWORK_MAX } from "./limits.ts";
import { createLiveSocket, type LiveSocket, type LiveSocketOptions } from "./socket.ts";

export type LiveSockets = {
  /** One more connection, of this network; one too many is closed as soon as it is open. */
  create(network: string | null, options: Omit<LiveSocketOptions, "onClosed">): LiveSocket;
  /** How many are open. */
  count(): number;
  /** Takes nothing more; resolves when everything that was taken is answered and all had time to hear of the end. */
  close(): Promise<void>;
};

/**
 * Whoever is still sending when their connection goes away loses what was said to them last: until they have heard of
 * the end, what they send is read, and thrown away.
 */
const HEARD_AFTER_MS = 500;

/** All that are open, and how many of them each network has. */
export function createLiveSockets(): LiveSockets {
  const open = new Set<LiveSocket>();
  const byNetwork = new Map<string, number>();
  let isClosing = false;
  let tellEmpty: () => void = () => undefined;

  const leave = (socket: LiveSocket, network: string | null): void => {
    if (!open.delete(socket)) return;
    const others = network === null ? 0 : (byNetwork.get(network) ?? 0) - 1;
    if (network !== null && others > 0) byNetwork.set(network, others);
    else if (network !== null) byNetwork.delete(network);
    if (open.size === 0) tellEmpty();
  };

  const excessOf = (network: string | null): Ending | null => {
    if (isClosing) return STOPPING;
    if (open.size >= SOCKETS_MAX) return TOO_MANY_SOCKETS;
    const isFull = network !== null && (byNetwork.get(network) ?? 0) >= SOCKETS_PER_NETWORK_MAX;
    return isFull ? TOO_MANY_OF_NETWORK : null;
  };

  return {
    create: (network, options) => {
      const excess = excessOf(network);
      const socket = createLiveSocket({ ...options, onClosed: () => leave(socket, network) });
      if (excess !== null) {
        socket.end(excess);
        return socket;
      }
      open.add(socket);
      if (network !== null) byNetwork.set(network, (byNetwork.get(network) ?? 0) + 1);
      return socket;
    },
    count: () => open.size,
    close: async () => {
      isClosing = true;
      if (open.size === 0) return;
      const { promise: isEmpty, resolve } = Promise.withResolvers<void>();
      tellEmpty = resolve;
      for (const socket of [...open]) socket.end(STOPPING);
      await isEmpty;
      await new Promise((heard) => setTimeout(heard, HEARD_AFTER_MS));
    },
  };
}
