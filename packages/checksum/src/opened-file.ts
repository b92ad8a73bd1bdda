import { type BigIntStats, closeSync, constants, fstatSync, openSync } from "node:fs";
import { ChecksumError } from "./errors.ts";

/** A file that is open for reading, and what the system said of it before the first byte was read. */
export interface OpenedFile {
  readonly path: string;
  readonly fd: number;
  readonly before: BigIntStats;
}

// Absent on Windows, where nothing like a FIFO can be in the way.
const { O_NONBLOCK = 0, O_NOFOLLOW = 0, O_NOCTTY = 0 } = constants as Partial<typeof constants>;

/** The coarsest step of the clock that file systems stamp changes with, doubled. */
const STAMP_STEP_MS = 20;

/** Opens a regular file and nothing else: neither a FIFO without a writer nor a terminal can make it wait. */
export function openRegularFile(path: string, followSymlinks: boolean): OpenedFile {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | O_NONBLOCK | O_NOCTTY | (followSymlinks ? 0 : O_NOFOLLOW));
  } catch (error) {
    throw openError(path, error);
  }
  try {
    const before = fstatSync(fd, { bigint: true });
    if (!before.isFile()) throw notAFile(path, kindOf(before));
    return { path, fd, before };
  } catch (error) {
    closeSync(fd);
    throw error instanceof ChecksumError ? error : readError(path, error);
  }
}

/**
 * How long to wait before reading, in milliseconds. A file system stamps changes with a coarse clock: a second change within the same step leaves the same stamp
 * and would not be seen, so a file that was just changed is left alone until the step is over. 0 for every other file.
 */
export function settleMs(file: OpenedFile, nowMs: number): number {
  const age = nowMs - Number(file.before.ctimeMs);
  return age >= 0 && age < STAMP_STEP_MS ? Math.ceil(STAMP_STEP_MS - age) : 0;
}

/** The same file, looked at again before the first read. */
export function lookAgain(file: OpenedFile): OpenedFile {
  try {
    return { ...file, before: fstatSync(file.fd, { bigint: true }) };
  } catch (error) {
    throw readError(file.path, error);
  }
}

/** Throws when the file is not as it was before it was read, or did not give as many bytes as it has. */
export function assertUnchanged(file: OpenedFile, bytesRead: number): void {
  let after: BigIntStats;
  try {
    after = fstatSync(file.fd, { bigint: true });
  } catch (error) {
    throw readError(file.path, error);
  }
  const { before } = file;
  if (after.size !== before.size)
    throw changed(file.path, `its size went from ${before.size} to ${after.size} bytes`);
  if (BigInt(bytesRead) !== before.size)
    throw changed(file.path, `it gave ${bytesRead} bytes, its size is ${before.size}`);
  if (after.mtimeNs !== before.mtimeNs) throw changed(file.path, "it was written to");
  if (after.ctimeNs !== before.ctimeNs)
    throw changed(file.path, "its status changed (written to, renamed, linked or its mode set)");
  if (after.ino !== before.ino || after.dev !== before.dev)
    throw changed(file.path, "it is another file now");
}

/** The error for a file that was not left alone while it was read. */
export function changed(path: string, how: string): ChecksumError {
  return new ChecksumError(
    "CHECKSUM_FILE_CHANGED",
    `Cannot checksum "${path}": it changed while it was read (${how}); try again when nothing writes to it`,
    { path },
  );
}

/** The error for a read that failed. */
export function readError(path: string, cause: unknown): ChecksumError {
  return new ChecksumError("CHECKSUM_IO", `Cannot checksum "${path}": reading failed (${reasonOf(cause)})`, {
    path,
    cause,
  });
}

function openError(path: string, cause: unknown): ChecksumError {
  const code = codeOf(cause) ?? "";
  if (code === "ENOENT" || code === "ENOTDIR") {
    return new ChecksumError("CHECKSUM_MISSING", `Cannot checksum "${path}": there is no such file`, {
      path,
      cause,
    });
  }
  if (code === "ELOOP") return notAFile(path, "a symbolic link", cause);
  if (code === "ENXIO" || code === "ENODEV") return notAFile(path, "a socket or a device", cause);
  const reason =
    code === "EACCES" || code === "EPERM"
      ? "no permission to read it"
      : `opening failed (${reasonOf(cause)})`;
  return new ChecksumError("CHECKSUM_IO", `Cannot checksum "${path}": ${reason}`, { path, cause });
}

function notAFile(path: string, kind: string, cause?: unknown): ChecksumError {
  return new ChecksumError(
    "CHECKSUM_NOT_A_FILE",
    `Cannot checksum "${path}": it is ${kind}; only regular files have a checksum`,
    {
      path,
      ...(cause === undefined ? {} : { cause }),
    },
  );
}

function kindOf(stats: BigIntStats): string {
  if (stats.isDirectory()) return "a folder";
  if (stats.isFIFO()) return "a FIFO";
  if (stats.isSocket()) return "a socket";
  return "a device";
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

function reasonOf(error: unknown): string {
  return codeOf(error) ?? String(error);
}
