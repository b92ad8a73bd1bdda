import type { Holder } from "@holdfast/storage";

/**
 * What can go wrong with a receipt.
 *
 * - `RECEIPT_INVALID`: not a receipt. Nothing was written.
 * - `RECEIPT_CONFLICT`: another receipt is there for this step. Nothing was written.
 * - `RECEIPT_DAMAGED`: what is stored is no receipt, or another step's.
 * - `RECEIPT_NEWER_FORMAT`: written by a newer version.
 * - `RECEIPT_WORKSPACE`: the workspace to verify against is not a folder that can be read.
 */
export type ReceiptErrorCode =
  | "RECEIPT_INVALID"
  | "RECEIPT_CONFLICT"
  | "RECEIPT_DAMAGED"
  | "RECEIPT_NEWER_FORMAT"
  | "RECEIPT_WORKSPACE";

/**
 * What can go wrong with the state of a run.
 *
 * - `RUN_INVALID`: not a state, or not a change of one. Nothing was written.
 * - `RUN_EXISTS`: the id is taken. Nothing was written.
 * - `RUN_NOT_FOUND`: there is no such run.
 * - `RUN_DAMAGED`: what is stored is no state, or another run's.
 * - `RUN_NEWER_FORMAT`: written by a newer version.
 * - `RUN_TRANSITION`: the status does not lead there. Nothing was written.
 * - `RUN_CONFLICT`: somebody else changed it meanwhile. Nothing was written.
 * - `RUN_HELD`: another process works on it; {@link RunHeldError} says which.
 */
export type RunErrorCode =
  | "RUN_INVALID"
  | "RUN_EXISTS"
  | "RUN_NOT_FOUND"
  | "RUN_DAMAGED"
  | "RUN_NEWER_FORMAT"
  | "RUN_TRANSITION"
  | "RUN_CONFLICT"
  | "RUN_HELD";

/** Codes of this package. */
export type TaskStoreErrorCode = ReceiptErrorCode | RunErrorCode;

/** The base of every error of this package; match on `code`. */
export class TaskStoreError extends Error {
  override readonly name: string = "TaskStoreError";
  readonly code: TaskStoreErrorCode;
  /** Where, for people: on files the path of the document. */
  readonly path: string;

  constructor(
    code: TaskStoreErrorCode,
    message: string,
    options: { readonly path: string; readonly cause?: unknown },
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.path = options.path;
  }
}

/** Something is wrong with a receipt. */
export class ReceiptError extends TaskStoreError {
  override readonly name: string = "ReceiptError";
  declare readonly code: ReceiptErrorCode;
}

/** Something is wrong with the state of a run. */
export class RunError extends TaskStoreError {
  override readonly name: string = "RunError";
  declare readonly code: RunErrorCode;
}

/** Another process works on the run. */
export class RunHeldError extends RunError {
  override readonly name: string = "RunHeldError";
  declare readonly code: "RUN_HELD";
  /** Who, as far as the store can tell. */
  readonly holder: Holder;

  constructor(
    message: string,
    options: { readonly path: string; readonly cause?: unknown; readonly holder: Holder },
  ) {
    super("RUN_HELD", message, options);
    this.holder = options.holder;
  }
}
