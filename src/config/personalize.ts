import { z } from "zod";
import { isRevealing } from "../core/personalize.ts";

const PERSONALIZE_FIELDS_MAX = 30;

const fieldSchema = z
  .string()
  .max(100)
  .regex(
    /^(?:group\.)?(?!constructor$)[a-z][a-z0-9_]{0,63}$/,
    "use a trait's name, or one of level, account_level, channel, group.NAME",
  )
  .refine((field) => !isRevealing(field), {
    message:
      "is what identifies a person, and GET /p answers whoever holds a browser's id or a link; take it out of the list",
  });

export const personalizeSchema = z
  .array(fieldSchema)
  .max(PERSONALIZE_FIELDS_MAX)
  .refine((fields) => new Set(fields).size === fields.length, "has a name twice; give each once")
  .default([])
  .describe(
    "What GET /p may tell a browser about its own visitor: first_name, company, level and the like; else nothing",
  );
