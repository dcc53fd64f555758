import { AppError, type ErrorCode } from "../core/error.ts";
import { storageRefusal } from "../core/storage-fault.ts";
import { describeFault } from "../http/errors.ts";

/** How an error comes from a thread: what may be answered, and what belongs in the log. */
export type Refused =
  | { refused: { code: ErrorCode; message: string; field: string | null }; fault?: string }
  | { refused?: undefined; fault: string };

export function refusedBy(error: unknown): Refused {
  const known = error instanceof AppError ? error : storageRefusal(error);
  if (known === null) return { fault: describeFault(error) };
  const { code, message, field } = known;
  const refused = { code, message, field };
  return known === error ? { refused } : { refused, fault: describeFault(error) };
}

/** The same on the side that asked, with the fault as its cause: it is logged where the request is known. */
export function errorOf({ refused, fault }: Partial<Refused>, what: string): AppError {
  const error =
    refused === undefined
      ? new AppError("internal", `${what} could not be made; the log says why`)
      : new AppError(refused.code, refused.message, refused.field);
  if (fault !== undefined) error.cause = fault;
  return error;
}
