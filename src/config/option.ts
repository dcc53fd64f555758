import { z } from "zod";
import { parseTimeMs } from "../core/time.ts";

/** How a value comes in from outside: by flag, by variable or as a word behind the command. */
export type Option = {
  flag?: string;
  variable?: string;
  /** What stands for the value in the manual. */
  placeholder: string;
  isRepeatable?: true;
  /** It stands alone, and takes no value. */
  isToggle?: true;
  /** What the value may be, as said in errors and in the manual. */
  takes: string;
  /** What holds without it, where the schema's own default does not say it. */
  otherwise?: string;
  help: string;
};

export const options = z.registry<Option>();

export const TEXT_LENGTH_MAX = 4_096;
export const SECRET_KEY_LENGTH_MAX = 200;

export const pathSchema = () => z.string().min(1).max(TEXT_LENGTH_MAX);

export const timeMsSchema = () =>
  z
    .string()
    .transform((text) => parseTimeMs(/^\d+(\.\d+)?$/.test(text) ? Number(text) : text))
    .pipe(z.number());

/** An address of this machine to listen on. */
export const hostSchema = () =>
  z
    .string()
    .max(253)
    .regex(/^[A-Za-z0-9.:_-]+$/);

/** A flag that stands alone. */
export const toggleSchema = () =>
  z
    .enum(["true", "false"])
    .transform((said) => said === "true")
    .prefault("false");
