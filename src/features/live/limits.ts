/** Sockets open at once. */
export const SOCKETS_MAX = 2_000;
/** The same from one network; a program on this very machine belongs to none. */
export const SOCKETS_PER_NETWORK_MAX = 100;
/**
 * Less than a batch at /track may have: of a frame that stops short of its end, what came so far stays in memory, for as
 * many sockets as there are.
 */
export const FRAME_BYTES_MAX = 64 * 1024;
/** Frames of one socket that wait for their answers. */
export const FRAMES_WAITING_MAX = 100;
/** What these frames may weigh together. */
export const FRAMES_WAITING_BYTES_MAX = 256 * 1024;
/** Answers that nobody takes; whoever lets more pile up is closed. */
export const ANSWERS_WAITING_BYTES_MAX = 256 * 1024;
/** Silence after which a socket is closed; a ping goes out before, and its answer is no silence. */
const IDLE_MAX_S = 120;
/** Somewhat above our own limit, so that what is just too large is told so in our own words. */
const FRAME_BYTES_FACTOR = 2;

/** What the socket itself has to know; frames and answers are too short to be worth compressing. */
export function socketOptions(idleMaxS = IDLE_MAX_S) {
  return {
    maxPayloadLength: FRAME_BYTES_MAX * FRAME_BYTES_FACTOR,
    backpressureLimit: ANSWERS_WAITING_BYTES_MAX,
    closeOnBackpressureLimit: true,
    idleTimeout: idleMaxS,
    sendPings: true,
    perMessageDeflate: false,
  };
}
