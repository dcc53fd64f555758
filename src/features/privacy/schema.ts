import { z } from "zod";
import { IDENTIFIER_KINDS, type IdentifierKind } from "../../core/identifier.ts";
import { cursorSchema, limitSchema, queryTimeSchema } from "../../http/query.ts";

const identifiers = Object.fromEntries(IDENTIFIER_KINDS.map((kind) => [kind, z.string().optional()])) as {
  [Kind in IdentifierKind]: z.ZodOptional<z.ZodString>;
};

export const identifierQuerySchema = z.strictObject(identifiers);

/** What is asked of a person by the address alone: a mistyped filter must not look as if it had held. */
export const noQuerySchema = z.strictObject({});

export const auditQuerySchema = z.strictObject({
  subject: z.string().max(100).optional().describe("an id of ours, such as per_…"),
  since: queryTimeSchema.optional(),
  limit: limitSchema,
  cursor: cursorSchema.optional(),
});

export type IdentifierQuery = z.infer<typeof identifierQuerySchema>;
export type AuditQuery = z.infer<typeof auditQuerySchema>;
