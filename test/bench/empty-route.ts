import { Elysia } from "elysia";
import { trackEventSchema } from "../../src/features/track/schema.ts";

/** The yardstick: the same body, validated by Elysia against the same schema, and nothing else. */
const app = new Elysia()
  .post("/track", () => ({ ok: true }), { body: trackEventSchema })
  .listen({ hostname: "127.0.0.1", port: 0 });

console.log(`listens on ${app.server?.port}`);
