import { Elysia } from "elysia";
import { AppError, type ErrorCode } from "../core/error.ts";
import { storageRefusal } from "../core/storage-fault.ts";
import type { Log } from "./log.ts";
import type { MethodsAt } from "./methods.ts";

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
  overloaded: 429,
  internal: 500,
  unavailable: 503,
  disk_full: 503,
  damaged: 503,
};

const RETRY_AFTER_S = 1;
const REQUEST_ID_PATTERN = /^[\w-]{8,64}$/;

export type ErrorBody = { error: { code: ErrorCode; message: string; field?: string } };

export function errorBody({ code, message, field }: AppError): ErrorBody {
  return { error: { code, message, ...(field === null ? {} : { field }) } };
}

/** The one place where an error becomes an answer, mounted before every route; only our own faults are logged. */
export function errorHandler(log: Log, methodsAt: MethodsAt = () => []) {
  return new Elysia({ name: "error-handler" }).onError({ as: "global" }, ({ error, code, set, request }) => {
    const methods = code === "NOT_FOUND" ? methodsAt(request.url) : [];
    const known = methods.length > 0 ? methodRefused(methods) : toAppError(error, code);
    if (methods.length > 0) set.headers.allow = methods.join(", ");
    if (known !== error && STATUS_BY_CODE[known.code] >= 500) {
      const requestId = requestIdOf(request.headers);
      log.error("request_failed", { request_id: requestId, fault: describeFault(error) });
      set.headers["x-request-id"] = requestId;
    }
    set.status = STATUS_BY_CODE[known.code];
    if ([429, 503].includes(STATUS_BY_CODE[known.code])) {
      set.headers["retry-after"] = String(known.retryAfterS ?? RETRY_AFTER_S);
    }
    return errorBody(known);
  });
}

function methodRefused(methods: readonly string[]): AppError {
  return new AppError("method_not_allowed", `this address takes ${methods.join(", ")} only`);
}

export function statusOf(error: unknown, code: string | number): number {
  return STATUS_BY_CODE[toAppError(error, code).code];
}

/** The proxy's id of the request, or one of our own: it stands in the answer and in the log, so that both are found. */
function requestIdOf(headers: Headers): string {
  const given = headers.get("x-request-id");
  return given !== null && REQUEST_ID_PATTERN.test(given) ? given : Bun.randomUUIDv7();
}

function toAppError(error: unknown, code: string | number): AppError {
  if (error instanceof AppError) return error;
  // What is thrown while a body is read comes wrapped.
  if (error instanceof Error && error.cause instanceof AppError) return error.cause;
  if (code === "NOT_FOUND") return new AppError("not_found", "there is nothing at this address; see do-intent --help");
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
