import { createChance } from "./chance.ts";
import type { Model } from "./model.ts";
import { createClient, type Sent } from "./traffic.ts";

/** Asked instead of the socket's word: a client whose server is gone hears it from the connection. */
const ANSWER_MAX_MS = 10_000;
const LOOK_EVERY_MS = 1;

export type Clients = {
  /** Ends when nobody answers any more, or when they were told to stop. */
  done: Promise<void>;
  /** Nothing more is sent; resolves when all that was is answered. */
  stop(): Promise<void>;
  /** Does it while no request is under way. */
  between(work: () => void): Promise<void>;
};

export type ClientsOptions = {
  url: string;
  secretKey: string;
  model: Model;
  links: readonly string[];
  seed: number;
  round: string;
  clients: number;
};

/** Clients that send as fast as they get answers. */
export function startClients({ url, secretKey, model, links, seed, round, clients }: ClientsOptions): Clients {
  let isStopped = false;
  let isHeld = false;
  let underWay = 0;
  const send = async (sent: Sent): Promise<boolean> => {
    while (isHeld) await Bun.sleep(LOOK_EVERY_MS);
    if (isStopped) return false;
    const sentAtMs = performance.now();
    model.sending(sent);
    underWay += 1;
    try {
      const response = await fetch(url + sent.path, {
        method: sent.method,
        body: sent.body === undefined ? null : JSON.stringify(sent.body),
        headers: sent.isTrusted ? { authorization: `Bearer ${secretKey}` } : {},
        redirect: "manual",
        signal: AbortSignal.timeout(ANSWER_MAX_MS),
      });
      const text = await response.text();
      model.answered(sent, response.status, text.startsWith("{") ? JSON.parse(text) : {}, sentAtMs);
      return true;
    } catch {
      model.lost(sent);
      return false;
    } finally {
      underWay -= 1;
    }
  };
  const work = async (worker: number): Promise<void> => {
    const { victims } = model;
    const client = createClient(createChance(seed, Bun.hash.crc32(round), worker), round, worker, { links, victims });
    while (await send(client.next()));
  };
  const done = Promise.all(Array.from({ length: clients }, (_, worker) => work(worker))).then(() => undefined);
  return {
    done,
    stop: () => {
      isStopped = true;
      return done;
    },
    between: async (change) => {
      isHeld = true;
      while (underWay > 0) await Bun.sleep(LOOK_EVERY_MS);
      change();
      isHeld = false;
    },
  };
}
