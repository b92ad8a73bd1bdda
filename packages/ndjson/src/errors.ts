/** What can be wrong with a log; the README says what to do about each. */
export type LogErrorCode =
  | "LOG_DAMAGED"
  | "LOG_CONFLICT"
  | "LOG_CLOSED"
  | "LOG_FAILED"
  | "LOG_LINE_TOO_LONG"
  | "LOG_NO_SPACE"
  | "LOG_IO"
  | "LOG_HELD";

/** Why a log could not be read or appended to. Match on `code`; the message is for people. */
export class LogError extends Error {
  override readonly name: string = "LogError";
  readonly code: LogErrorCode;
  /** The file it is about. */
  readonly path: string;

  constructor(
    code: LogErrorCode,
    message: string,
    options: { readonly path: string; readonly cause?: unknown },
  ) {
    super(message, "cause" in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.path = options.path;
  }
}

/** `LOG_DAMAGED`: a line before the tail of a log does not hold a record. Nothing was skipped. */
export class LogDamagedError extends LogError {
  override readonly name: string = "LogDamagedError";
  /** Line in the file, from 1. */
  readonly line: number;
  /** Where the line starts in the file, in bytes. */
  readonly offset: number;

  constructor(
    message: string,
    options: {
      readonly path: string;
      readonly line: number;
      readonly offset: number;
      readonly cause?: unknown;
    },
  ) {
    super("LOG_DAMAGED", message, options);
    this.line = options.line;
    this.offset = options.offset;
  }
}

/** `LOG_CONFLICT`: an append expected the log to end at another position. Nothing was written. */
export class LogConflictError extends LogError {
  override readonly name: string = "LogConflictError";
  readonly expected: number;
  /** Position of the last record. */
  readonly actual: number;

  constructor(path: string, expected: number, actual: number) {
    super(
      "LOG_CONFLICT",
      `Cannot append to "${path}": it ends at position ${actual}, not at ${expected} as expected; read what was added and decide again`,
      { path },
    );
    this.expected = expected;
    this.actual = actual;
  }
}

/** The code of a system error (`ENOSPC`, `EIO`, ...), also of one that is wrapped; `undefined` when it has none. */
export function systemCode(error: unknown): string | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 8; at = at.cause, depth++) {
    if ("code" in at && typeof at.code === "string" && /^E[A-Z0-9]+$/.test(at.code)) return at.code;
  }
  return undefined;
}

/** Turns whatever a file operation threw into a {@link LogError}; one that is a LogError already stays as it is. */
export function asLogError(action: string, path: string, error: unknown): LogError {
  if (error instanceof LogError) return error;
  const code = systemCode(error);
  const detail = error instanceof Error ? error.message : String(error);
  if (code === "ENOSPC" || code === "EDQUOT") {
    const message = `Cannot ${action} "${path}": no space is left (${detail}); make room and open the log again`;
    return new LogError("LOG_NO_SPACE", message, { path, cause: error });
  }
  return new LogError("LOG_IO", `Cannot ${action} "${path}": ${detail}`, { path, cause: error });
}
