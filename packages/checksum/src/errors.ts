/**
 * What went wrong, stable within a major version.
 *
 * - `CHECKSUM_FORMAT`: a text is not a checksum.
 * - `CHECKSUM_MISMATCH`: contents are not what was expected ({@link ChecksumMismatchError}).
 * - `CHECKSUM_FILE_CHANGED`: a file was written to while it was read.
 * - `CHECKSUM_NOT_A_FILE`: the path is a folder, FIFO, socket or device.
 * - `CHECKSUM_MISSING`: there is no such file.
 * - `CHECKSUM_IO`: it could not be opened or read; the system error is the `cause`.
 */
export type ChecksumErrorCode =
  | "CHECKSUM_FORMAT"
  | "CHECKSUM_MISMATCH"
  | "CHECKSUM_FILE_CHANGED"
  | "CHECKSUM_NOT_A_FILE"
  | "CHECKSUM_MISSING"
  | "CHECKSUM_IO";

/** Base of every error of this package; match on `code`. */
export class ChecksumError extends Error {
  override readonly name: string = "ChecksumError";
  readonly code: ChecksumErrorCode;
  /** The file it is about; `undefined` when it is not about a file. */
  readonly path: string | undefined;

  constructor(
    code: ChecksumErrorCode,
    message: string,
    options: { readonly path?: string | undefined; readonly cause?: unknown } = {},
  ) {
    super(message, "cause" in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.path = options.path;
  }
}

/** Contents that are not what was expected: `CHECKSUM_MISMATCH`, with both checksums. */
export class ChecksumMismatchError extends ChecksumError {
  override readonly name: string = "ChecksumMismatchError";
  readonly expected: string;
  readonly actual: string;

  constructor(
    message: string,
    options: { readonly path: string; readonly expected: string; readonly actual: string },
  ) {
    super("CHECKSUM_MISMATCH", message, { path: options.path });
    this.expected = options.expected;
    this.actual = options.actual;
  }
}
