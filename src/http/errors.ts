import { Elysia } from "elysia";
import { AppError, type ErrorCode } from "../core/error.ts";
import { storageRefusal } from "../core/storage-fault.ts";
import type { Log } from "./log.ts";
import type { AddressAt } from "./methods.ts";
import { REQUEST_ID_HEADER, requestIdOf } from "./request-id.ts";

const STATUS_BY_CODE: { readonly [Code in ErrorCode]: number } = {
  invalid_json: 400,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  conflict: 409,
  too_large: 413,
  unsupported_encoding: 415,
  invalid: 422,
  upgrade_required: 426,
  overloaded: 429,
  // The number that nginx gave it: nobody reads this answer, and it counts as no fault of ours.
  client_gone: 499,
  internal: 500,
  unavailable: 503,
  disk_full: 503,
  damaged: 503,
};

const RETRY_AFTER_S = 1;
const NO_ADDRESS = { methods: [], path: null };
const NOWHERE: AddressAt = () => NO_ADDRESS;

export type ErrorBody = { error: { code: ErrorCode; message: string; field?: string } };

export function errorBody({ code, message, field }: AppError): ErrorBody {
  return { error: { code, message, ...(field === null ? {} : { field }) } };
}

/** The one place where an error becomes an answer, mounted before every route; only our own faults are logged. */
export function errorHandler(log: Log, addressAt = NOWHERE) {
  return new Elysia({ name: "error-handler" }).onError({ as: "global" }, ({ error, code, set, request }) => {
    const { known, status, methods } = refusalOf({ error, code, url: request.url }, addressAt);
    if (methods.length > 0) set.headers.allow = methods.join(", ");
    const fault = faultOf(error, known, status);
    if (fault !== null) {
      const requestId = requestIdOf(request.headers);
      log.error("request_failed", { request_id: requestId, fault });
      set.headers[REQUEST_ID_HEADER] = requestId;
    }
    set.status = status;
    if (known.code === "upgrade_required") set.headers.upgrade = "websocket";
    const retryAfterS = retryAfterOf(known);
    if (retryAfterS !== null) set.headers["retry-after"] = String(retryAfterS);
    return errorBody(known);
  });
}

/** What of our own failed, as it is logged; null where nothing did. A thread brings its fault along as the cause. */
export function faultOf(error: unknown, known: AppError, status: number): string | null {
  if (known !== error) return status >= 500 ? describeFault(error) : null;
  return typeof known.cause === "string" ? known.cause : null;
}

/** In how many seconds to come back, for what would be taken at another time; null for all else. */
export function retryAfterOf({ code, retryAfterS }: AppError): number | null {
  return [429, 503].includes(STATUS_BY_CODE[code]) ? (retryAfterS ?? RETRY_AFTER_S) : null;
}

export type Failed = { error: unknown; code: string | number; url: string };

export type Refusal = {
  known: AppError;
  status: number;
  /** What the address takes instead; empty unless it was asked with a wrong method. */
  methods: readonly string[];
  /** The route of an address that was asked with a wrong method; null where there is nothing. Undefined: it was found. */
  missed?: string | null;
};

/** What an error is to whoever asked. The answer and the count of the answers both come from here, so that they agree. */
export function refusalOf({ error, code, url }: Failed, addressAt: AddressAt = NOWHERE): Refusal {
  const { methods, path } = code === "NOT_FOUND" ? addressAt(url) : NO_ADDRESS;
  const known = methods.length > 0 ? methodRefused(methods) : toAppError(error, code);
  const refusal = { known, status: STATUS_BY_CODE[known.code], methods };
  return code === "NOT_FOUND" ? { ...refusal, missed: path } : refusal;
}

function methodRefused(methods: readonly string[]): AppError {
  return new AppError("method_not_allowed", `this address takes ${methods.join(", ")} only`);
}

function toAppError(error: unknown, code: string | number): AppError {
  if (error instanceof AppError) return error;
  // What is thrown while a body is read comes wrapped.
  if (error instanceof Error && error.cause instanceof AppError) return error.cause;
  if (code === "NOT_FOUND")
    return new AppError("not_found", "there is nothing at this address; /docs shows all there are");
  if (code === "PARSE") return new AppError("invalid_json", "the body is not valid JSON");
  if (code === "VALIDATION") return new AppError("invalid", "the request does not have the form this address takes");
  return (
    storageRefusal(error) ?? new AppError("internal", "something went wrong on our side; the request was not stored")
  );
}

/** Name and place of a fault. The message stays out: a driver may quote the values it was given. */
export function describeFault(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  const code = "code" in error && typeof error.code === "string" ? ` ${error.code}` : "";
  const place =
    error.stack
      ?.split("\n")
      .slice(1, 4)
      .map((line) => line.trim())
      .join(" < ") ?? "";
  return `${error.name}${code} ${place}`;
}
