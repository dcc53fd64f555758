import { Elysia } from "elysia";
import type { Engine } from "../../engine/engine.ts";
import { parseJson, readBody, toInvalid } from "../../http/body.ts";
import { documented } from "../../http/document.ts";
import type { Keys } from "../../http/keys.ts";
import type { AuditStore } from "../../store/sqlite/audit.ts";
import type { KeyStore } from "../../store/sqlite/keys.ts";
import { createKey, type KeyAnswer, type KeyBook, listKeys, revokeKey } from "./keys.ts";
import { KEY_BYTES_MAX, newKeySchema } from "./schema.ts";

export type KeysDeps = {
  keys: Keys;
  engine: Pick<Engine, "administer">;
  now: () => number;
  keyStore: KeyStore;
  audit: AuditStore;
};

/** Keys are made and revoked by who may administer. */
export function keyRoutes({ keys, engine, now, keyStore: store, audit }: KeysDeps) {
  const change = async (headers: Headers, work: (book: KeyBook) => KeyAnswer): Promise<KeyAnswer> => {
    const { keyId: by } = keys.require(headers, "admin");
    const answer = await engine.administer(() => work({ store, audit, by, nowMs: now() }));
    keys.refresh();
    return answer;
  };
  return new Elysia({ name: "keys" })
    .get(
      "/keys",
      ({ request }) => {
        keys.require(request.headers, "admin");
        return { keys: listKeys(store) };
      },
      documented({
        topic: "Running it",
        summary: "Every key, when it was last used, and when it was revoked",
        access: "admin",
        answer: { description: "keys; of a secret one only its id" },
      }),
    )
    .post(
      "/keys",
      ({ body, request: { headers } }) => {
        keys.require(headers, "admin");
        const parsed = newKeySchema.safeParse(parseJson(body as string));
        if (!parsed.success) throw toInvalid(parsed.error);
        return change(headers, (book) => createKey(parsed.data, book));
      },
      {
        parse: ({ request }) => readBody(request, KEY_BYTES_MAX),
        ...documented({
          topic: "Running it",
          summary: "Makes a key",
          access: "admin",
          body: { type: "application/json", schema: newKeySchema },
          answer: { description: "the key, this once" },
        }),
      },
    )
    .delete("/keys/:id", ({ params, request }) => change(request.headers, (book) => revokeKey(params.id, book)), {
      parse: "none",
      ...documented({
        topic: "Running it",
        summary: "Revokes a key",
        access: "admin",
        path: { id: "the key's id, as /keys lists it" },
        answer: { description: "the key as revoked" },
      }),
    });
}
