import {
  FRAME_BYTES_MAX,
  FRAMES_WAITING_BYTES_MAX,
  FRAMES_WAITING_MAX,
  SOCKETS_MAX,
  SOCKETS_PER_NETWORK_MAX,
} from "./limits.ts";

/** Why a socket is closed, as RFC 6455 numbers it; the reason names limit and remedy in at most 123 bytes. */
export type Ending = { code: 1001 | 1003 | 1008 | 1009 | 1013; reason: string };

export const STOPPING: Ending = { code: 1001, reason: "the server is stopping; connect again in a moment" };

export const BINARY: Ending = { code: 1003, reason: "binary frames are not taken; send JSON as text" };

export const KEY_GONE: Ending = {
  code: 1008,
  reason: "the secret key of this socket does not hold any more; connect with another",
};

export const TOO_MANY_FRAMES: Ending = {
  code: 1008,
  reason: `more than ${FRAMES_WAITING_MAX} frames wait for their answers; read these before you send more`,
};

export const TOO_MANY_BYTES: Ending = {
  code: 1008,
  reason: `frames of more than ${FRAMES_WAITING_BYTES_MAX / 1024} KB wait for their answers; read these before you send more`,
};

export const TOO_MANY_SOCKETS: Ending = {
  code: 1013,
  reason: `${SOCKETS_MAX} sockets are open, which is all there may be; try again later, or send to /track`,
};

export const TOO_MANY_OF_NETWORK: Ending = {
  code: 1013,
  reason: `${SOCKETS_PER_NETWORK_MAX} sockets are open from this network; close some, or send to /track`,
};

export const TOO_LARGE: Ending = {
  code: 1009,
  reason: `a frame may have ${FRAME_BYTES_MAX / 1024} KB; send it in smaller parts`,
};
