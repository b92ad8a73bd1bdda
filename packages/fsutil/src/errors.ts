import { platform } from "node:process";
import type { LockHolder } from "./lock-holder.ts";

/** What went wrong with a file; the text of a code never changes within a major version. */
export type FileErrorCode =
  | "FILE_MISSING"
  | "FILE_UNREADABLE"
  | "FILE_NOT_JSON"
  | "FILE_SCHEMA"
  | "FILE_NEWER_VERSION"
  | "FILE_TOO_LARGE"
  | "FILE_NO_SPACE"
  | "FILE_READ_ONLY"
  | "FILE_PERMISSION"
  | "FILE_EXISTS"
  | "FILE_IO"
  | "PATH_ESCAPE"
  | "LOCK_HELD"
  | "LOCK_LOST";

/** Where an error happened and what caused it. */
export interface FileErrorOptions {
  readonly path: string;
  readonly cause?: unknown;
}

/** Base of all errors of this package: match on `code`, show `message`, look into `cause` for the system's error. */
export class FileError extends Error {
  override readonly name: string = "FileError";
  readonly code: FileErrorCode;
  readonly path: string;

  constructor(code: FileErrorCode, message: string, options: FileErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.path = options.path;
  }
}

/** Text that is not strict JSON, with the place of the first fault. Code `FILE_NOT_JSON`. */
export class FileNotJsonError extends FileError {
  override readonly name = "FileNotJsonError";
  /** Line of the fault, from 1. */
  readonly line: number;
  /** Column of the fault in UTF-16 code units, from 1 (in bytes where the text is not UTF-8). */
  readonly column: number;

  constructor(
    message: string,
    options: FileErrorOptions & { readonly line: number; readonly column: number },
  ) {
    super("FILE_NOT_JSON", message, options);
    this.line = options.line;
    this.column = options.column;
  }
}

/** A document that is not what its schema asks for. Codes `FILE_SCHEMA` and `FILE_NEWER_VERSION`. */
export class FileSchemaError extends FileError {
  override readonly name = "FileSchemaError";
  /** Where in the document, for example `artifacts[2].sha256`; empty for the document itself. */
  readonly documentPath: string;

  constructor(
    code: "FILE_SCHEMA" | "FILE_NEWER_VERSION",
    message: string,
    options: FileErrorOptions & { readonly documentPath: string },
  ) {
    super(code, message, options);
    this.documentPath = options.documentPath;
  }
}

/** A path that leads, or could lead, out of its root. Code `PATH_ESCAPE`. */
export class PathEscapeError extends FileError {
  override readonly name = "PathEscapeError";
  readonly root: string;

  constructor(message: string, options: FileErrorOptions & { readonly root: string }) {
    super("PATH_ESCAPE", message, options);
    this.root = options.root;
  }
}

/** A lock somebody else holds. Code `LOCK_HELD`. */
export class LockHeldError extends FileError {
  override readonly name = "LockHeldError";
  /** Who holds it; `undefined` when that cannot be known (it is being taken at this moment, or its record is damaged). */
  readonly holder: LockHolder | undefined;

  constructor(message: string, options: FileErrorOptions & { readonly holder: LockHolder | undefined }) {
    super("LOCK_HELD", message, options);
    this.holder = options.holder;
  }
}

interface Meaning {
  readonly code: FileErrorCode;
  readonly state: string;
}

function meaningOf(errno: string): Meaning {
  switch (errno) {
    case "ENOENT":
      return { code: "FILE_MISSING", state: "it does not exist" };
    case "ENOSPC":
      return { code: "FILE_NO_SPACE", state: "the disk is full; free some space and try again" };
    case "EDQUOT":
      return { code: "FILE_NO_SPACE", state: "the disk quota is used up; free some space and try again" };
    case "EFBIG":
      return { code: "FILE_NO_SPACE", state: "it would be larger than the limit for files" };
    case "EROFS":
      return { code: "FILE_READ_ONLY", state: "the file system is read-only" };
    case "EACCES":
    case "EPERM":
      return { code: "FILE_PERMISSION", state: "permission is denied; check owner and mode" };
    case "EEXIST":
      return { code: "FILE_EXISTS", state: "the name is taken" };
    case "EISDIR":
      return { code: "FILE_IO", state: "it is a folder" };
    case "ENOTDIR":
      return { code: "FILE_IO", state: "a part of the path is not a folder" };
    case "ELOOP":
      return { code: "FILE_IO", state: "a symlink stands in the way" };
    case "ENAMETOOLONG":
      return { code: "FILE_IO", state: "the name is too long for the file system" };
    case "EMFILE":
    case "ENFILE":
      return { code: "FILE_IO", state: "too many files are open" };
    default:
      return {
        code: "FILE_IO",
        state: errno === "" ? "the operation failed" : `the system answered ${errno}`,
      };
  }
}

/** The system's code of an error (`ENOENT`, ...), or an empty text. */
export function errnoOf(error: unknown): string {
  if (error instanceof Error && "code" in error && typeof error.code === "string") return error.code;
  return "";
}

/** Gives a system error this package's code and a message; errors that are ours already pass unchanged. */
export function asFileError(action: string, path: string, cause: unknown): FileError {
  if (cause instanceof FileError) return cause;
  const { code, state } = meaningOf(errnoOf(cause));
  return new FileError(code, `Cannot ${action} "${path}": ${state}`, { path, cause });
}

/** Whether an error of a folder's sync only says that this file system has no such thing. Never so for EIO. */
export function toleratesNoDirectorySync(error: unknown): boolean {
  const errno = errnoOf(error);
  if (errno === "EINVAL" || errno === "ENOTSUP" || errno === "EOPNOTSUPP") return true;
  // Windows cannot open folders at all and keeps names in its own journal.
  return platform === "win32" && (errno === "EPERM" || errno === "EISDIR" || errno === "EACCES");
}
