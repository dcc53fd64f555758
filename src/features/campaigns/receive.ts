import { AppError } from "../../core/error.ts";
import { readChunks } from "../../http/body.ts";

export const LIST_BYTES_MAX = 24 * 1_024 * 1_024;
/** A list is held in memory while it is made a campaign of, and the next one would be as well. */
const CREATING_MAX = 1;
/** Lists on their way in; one whose sender stalls keeps others out of none of the rest. */
const RECEIVING_MAX = 4;
/** A sender that says nothing at all is cut off much sooner, by the socket. */
const RECEIVE_MAX_MS = 5 * 60_000;

export type ReceiverOptions<Answer> = {
  /** What is done with a list that is in. */
  create: (chunks: Uint8Array[]) => Promise<Answer>;
  /** The list is in: from here on the sender only waits. */
  onReceived: () => void;
};

/** Lets in as many lists as memory holds. The place where campaigns are made is taken by a list that is there, whole. */
export function createReceiver(now: () => number = () => performance.now()) {
  let receiving = 0;
  let creating = 0;
  const refuseWhileCreating = (): void => {
    if (creating >= CREATING_MAX)
      throw new AppError("overloaded", "another campaign is being made; try again when it is done");
  };
  const receive = async (request: Request): Promise<Uint8Array[]> => {
    refuseWhileCreating();
    if (receiving >= RECEIVING_MAX)
      throw new AppError(
        "overloaded",
        `${RECEIVING_MAX} lists are being sent already; try again when one of them is in`,
      );
    receiving += 1;
    const startedMs = now();
    try {
      return await readChunks(request, LIST_BYTES_MAX, () => {
        if (now() - startedMs <= RECEIVE_MAX_MS) return;
        throw new AppError(
          "too_large",
          `the list did not come in within ${RECEIVE_MAX_MS / 60_000} minutes; make several campaigns of it`,
        );
      });
    } finally {
      receiving -= 1;
    }
  };
  return async <Answer>(request: Request, { create, onReceived }: ReceiverOptions<Answer>): Promise<Answer> => {
    const chunks = await receive(request);
    refuseWhileCreating();
    creating += 1;
    try {
      onReceived();
      return await create(chunks);
    } finally {
      creating -= 1;
    }
  };
}
