/** Everything that can be wrong with a request or with the house, seen from outside. The http room maps codes to statuses. */
export type ErrorCode =
  | "invalid_json"
  | "invalid"
  | "too_large"
  | "unsupported_encoding"
  | "unauthorized"
  | "forbidden"
  | "not_found"
  | "method_not_allowed"
  | "conflict"
  | "upgrade_required"
  | "client_gone"
  | "overloaded"
  | "unavailable"
  | "disk_full"
  | "damaged"
  | "internal";

/** The one error class. `message` is for the caller: it names limit and remedy and never repeats what was sent. */
export class AppError extends Error {
  override readonly name = "AppError";

  readonly code: ErrorCode;
  readonly field: string | null;
  /** When to try again, where that is known. */
  readonly retryAfterS: number | null;

  constructor(code: ErrorCode, message: string, field: string | null = null, retryAfterS: number | null = null) {
    super(message);
    this.code = code;
    this.field = field;
    this.retryAfterS = retryAfterS;
  }
}
