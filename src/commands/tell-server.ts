import { z } from "zod";
import { AppError } from "../core/error.ts";

const ANSWER_WITHIN_MS = 60_000;

const refusalSchema = z.looseObject({ error: z.looseObject({ message: z.string() }) });

/** Has a running server do what only it may do to its folder. */
export async function tellServer<Schema extends z.ZodType>(
  url: string,
  secretKey: string | null,
  schema: Schema,
): Promise<z.infer<Schema>> {
  if (secretKey === null) {
    throw new AppError("unauthorized", "the server takes a secret key with the scope admin; set DO_INTENT_SECRET_KEY");
  }
  const response = await fetch(url, {
    method: "POST",
    headers: { authorization: `Bearer ${secretKey}` },
    redirect: "error",
    signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
  }).catch(() => {
    throw new AppError("unavailable", "no server answers at the address given with --server");
  });
  const body: unknown = await response.json().catch(() => null);
  const answer = schema.safeParse(body);
  if (response.ok && answer.success) return answer.data;
  const refusal = refusalSchema.safeParse(body);
  const said = refusal.success ? refusal.data.error.message : "what answers at --server is no do-intent";
  throw new AppError("conflict", said);
}
