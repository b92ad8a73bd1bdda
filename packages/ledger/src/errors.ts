/**
 * What can go wrong with a ledger.
 *
 * - `LEDGER_MESSAGE`: not a message: the schema, JSON, or a reserved field. Nothing was written; the ledger goes on.
 * - `LEDGER_MESSAGE_TOO_LARGE`: longer than the limit. Nothing was written; the ledger goes on.
 * - `LEDGER_DAMAGED`: a line that cannot be read; `position` and `place` say which.
 * - `LEDGER_FENCED`: somebody else holds the run now.
 * - `LEDGER_CONFLICT`: somebody else wrote to this ledger since it was opened.
 * - `LEDGER_FAILED`: an append failed, or one before it did; open the ledger again to go on.
 * - `LEDGER_CLOSED`: used after `close()`.
 */
export type LedgerErrorCode =
  | "LEDGER_MESSAGE"
  | "LEDGER_MESSAGE_TOO_LARGE"
  | "LEDGER_DAMAGED"
  | "LEDGER_FENCED"
  | "LEDGER_CONFLICT"
  | "LEDGER_FAILED"
  | "LEDGER_CLOSED";

/** The one error class of this package: match on `code`. */
export class LedgerError extends Error {
  override readonly name: string = "LedgerError";
  readonly code: LedgerErrorCode;
  /** Where, for people: the file and line of a ledger on files, or the path in a message. */
  readonly path: string;
  /** The line, from 1, where the code is `LEDGER_DAMAGED`. */
  readonly position: number | undefined;

  constructor(
    code: LedgerErrorCode,
    message: string,
    options: { readonly path: string; readonly position?: number; readonly cause?: unknown },
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.path = options.path;
    this.position = options.position;
  }
}
