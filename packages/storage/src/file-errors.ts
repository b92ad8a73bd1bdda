import { FileError } from "@holdfast/fsutil";
import { LogConflictError, LogDamagedError, LogError } from "@holdfast/ndjson";
import { StoreConflictError, StoreDamagedError, StoreError, type StoreErrorCode } from "./errors.ts";

/** Whether something was to be written: permission that is denied then means a store that cannot be written. */
export type Intent = "read" | "write";

/** The code of the system's error (`ENOSPC`, ...) at the bottom of an error; `undefined` when there is none. */
function systemCodeOf(error: unknown): string | undefined {
  const found = systemErrorOf(error);
  return found?.code;
}

/** Whether the system's error at the bottom came from making data durable: after it nothing unsynced is to be trusted. */
export function isSyncFailure(error: unknown): boolean {
  const syscall = systemErrorOf(error)?.syscall;
  return syscall !== undefined && ["fsync", "fdatasync", "sync", "syncDirectory"].includes(syscall);
}

/**
 * Gives what files and logs throw the code of a store. Misuse (`TypeError`, `RangeError`), aborts and errors of a store pass
 * unchanged.
 */
export function asStoreError(error: unknown, intent: Intent, path?: string): unknown {
  if (error instanceof StoreError || error instanceof TypeError || error instanceof RangeError) return error;
  if (error instanceof LogConflictError) {
    const { expected, actual } = error;
    return new StoreConflictError(error.message, { path: error.path, cause: error, expected, actual });
  }
  if (error instanceof LogDamagedError) {
    const { line, offset } = error;
    return new StoreDamagedError(error.message, { path: error.path, cause: error, line, offset });
  }
  if (error instanceof FileError || error instanceof LogError) {
    const code = codeOf(error.code, error, intent);
    return new StoreError(code, error.message, { path: error.path, cause: error });
  }
  const system = systemErrorOf(error);
  if (system === undefined) return error;
  const code = codeOf("", error, intent);
  return new StoreError(code, `Cannot ${intent} the store: ${system.message}`, {
    ...(path !== undefined && { path }),
    cause: error,
  });
}

/** Runs what works on files, with the errors of a store. */
export async function withStoreErrors<T>(intent: Intent, path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw asStoreError(error, intent, path);
  }
}

function codeOf(code: string, error: unknown, intent: Intent): StoreErrorCode {
  switch (code) {
    case "FILE_NO_SPACE":
    case "LOG_NO_SPACE":
      return "STORE_NO_SPACE";
    case "FILE_READ_ONLY":
      return "STORE_READ_ONLY";
    case "FILE_PERMISSION":
      return intent === "write" ? "STORE_READ_ONLY" : "STORE_IO";
    case "PATH_ESCAPE":
    case "FILE_NOT_JSON":
      return "STORE_DAMAGED";
    case "LOG_CLOSED":
      return "STORE_CLOSED";
    case "LOG_FAILED":
      return "STORE_FAILED";
    case "LOG_LINE_TOO_LONG":
      return intent === "write" ? "STORE_TEXT_TOO_LARGE" : "STORE_DAMAGED";
    case "LOG_HELD":
      return "STORE_HELD";
    default:
      return codeOfSystem(systemCodeOf(error), intent);
  }
}

function codeOfSystem(errno: string | undefined, intent: Intent): StoreErrorCode {
  switch (errno) {
    case "ENOSPC":
    case "EDQUOT":
    case "EFBIG":
      return "STORE_NO_SPACE";
    case "EROFS":
      return "STORE_READ_ONLY";
    case "EACCES":
    case "EPERM":
      return intent === "write" ? "STORE_READ_ONLY" : "STORE_IO";
    case undefined:
    default:
      return "STORE_IO";
  }
}

interface SystemError {
  readonly code: string;
  readonly syscall: string | undefined;
  readonly message: string;
}

function systemErrorOf(error: unknown): SystemError | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 8; at = at.cause, depth += 1) {
    if ("code" in at && typeof at.code === "string" && /^E[A-Z0-9]+$/.test(at.code)) {
      const syscall = "syscall" in at && typeof at.syscall === "string" ? at.syscall : undefined;
      return { code: at.code, syscall, message: at.message };
    }
  }
  return undefined;
}
