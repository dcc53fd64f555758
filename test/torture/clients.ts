import { createChance } from "./chance.ts";
import type { Model } from "./model.ts";
import { createClient, type Sent } from "./traffic.ts";

/** Asked instead of the socket's word: a client whose server is gone hears it from the connection. */
const ANSWER_MAX_MS = 10_000;

/** Clients that send as fast as they get answers, until nobody answers any more. */
export async function sendUntilGone(options: {
  url: string;
  secretKey: string;
  model: Model;
  seed: number;
  round: string;
  clients: number;
}): Promise<void> {
  const { url, secretKey, model, seed, round } = options;
  const send = async (sent: Sent): Promise<boolean> => {
    model.sending(sent);
    try {
      const response = await fetch(url + sent.path, {
        method: "POST",
        body: JSON.stringify(sent.body),
        headers: sent.isTrusted ? { authorization: `Bearer ${secretKey}` } : {},
        signal: AbortSignal.timeout(ANSWER_MAX_MS),
      });
      model.answered(sent, response.status, (await response.json()) as Parameters<Model["answered"]>[2]);
      return true;
    } catch {
      model.lost(sent);
      return false;
    }
  };
  const work = async (worker: number): Promise<void> => {
    const client = createClient(createChance(seed, Bun.hash.crc32(round), worker), round, worker);
    while (await send(client.next()));
  };
  await Promise.all(Array.from({ length: options.clients }, (_, worker) => work(worker)));
}
