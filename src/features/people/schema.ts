import { z } from "zod";
import { IDENTIFIER_KINDS, type IdentifierKind } from "../../core/identifier.ts";
import { cursorSchema, limitSchema, queryTimeSchema } from "../../http/query.ts";

const identifiers = Object.fromEntries(IDENTIFIER_KINDS.map((kind) => [kind, z.string().optional()])) as {
  [Kind in IdentifierKind]: z.ZodOptional<z.ZodString>;
};

/** Either one identifier, or the order by score with what narrows it. */
export const peopleQuerySchema = z.strictObject({
  ...identifiers,
  level: z.string().optional().describe("the name of a threshold, or cold"),
  limit: limitSchema,
  cursor: cursorSchema.optional(),
});

export const explainQuerySchema = z.strictObject({
  at: queryTimeSchema.optional().describe("a time, past or future; now without it"),
});

export const eventsQuerySchema = z.strictObject({ limit: limitSchema, cursor: cursorSchema.optional() });

export type PeopleQuery = z.infer<typeof peopleQuerySchema>;
