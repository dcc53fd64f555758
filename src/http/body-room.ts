import { AppError } from "../core/error.ts";

/** Bodies that are being read, all together: whoever sends slowly leaves what came so far in memory. */
const BODY_BYTES_UNDER_WAY_MAX = 64 * 1024 * 1024;
/** Of these from one network. */
const NETWORK_BODY_BYTES_MAX = 8 * 1024 * 1024;

/** What one request's body takes while it is read. */
export type BodyRoom = {
  /** Before the bytes are waited for; refused where there is no room. */
  take(bytes: number): void;
  /** Once the body is read, or will not be. */
  giveBack(): void;
};

const UNLIMITED: BodyRoom = { take: () => undefined, giveBack: () => undefined };

const rooms = new WeakMap<Headers, BodyRoom>();

/** The room for a request's body, told by its headers, which go along wherever the request goes. */
export function bodyRoomOf(headers: Headers): BodyRoom {
  return rooms.get(headers) ?? UNLIMITED;
}

/** Gives strangers' bodies their share of memory; returns what does so for one request of a network. */
export function createBodyRooms(): (headers: Headers, network: string) => void {
  const byNetwork = new Map<string, number>();
  let all = 0;
  const add = (network: string, bytes: number): void => {
    const left = (byNetwork.get(network) ?? 0) + bytes;
    all += bytes;
    if (left > 0) byNetwork.set(network, left);
    else byNetwork.delete(network);
  };
  return (headers, network) => {
    let taken = 0;
    rooms.set(headers, {
      take: (bytes) => {
        const isTooMuch = (byNetwork.get(network) ?? 0) + bytes > NETWORK_BODY_BYTES_MAX;
        if (isTooMuch) throw tooMuch("this network", NETWORK_BODY_BYTES_MAX);
        if (all + bytes > BODY_BYTES_UNDER_WAY_MAX) throw tooMuch("everybody together", BODY_BYTES_UNDER_WAY_MAX);
        add(network, bytes);
        taken += bytes;
      },
      giveBack: () => {
        add(network, -taken);
        taken = 0;
      },
    });
  };
}

function tooMuch(who: string, bytesMax: number): AppError {
  return new AppError(
    "overloaded",
    `${who} is sending more than ${bytesMax / 1024 / 1024} MB of bodies at once; finish some, and try again in a second`,
  );
}
