import type { Holder } from "@holdfast/storage";
import type { JobAction, JobStatus } from "./job.ts";

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

/**
 * What can go wrong with a job.
 *
 * - `JOB_STATE`: the job's state does not allow the action. Nothing was written.
 * - `JOB_INVALID`: not a manifest, or not a change of one. Nothing was written.
 * - `JOB_EXISTS`: the id is taken. Nothing was written.
 * - `JOB_NOT_FOUND`: there is no such job.
 * - `JOB_DAMAGED`: what is stored is no manifest, or another job's.
 * - `JOB_NEWER_FORMAT`: written by a newer version.
 * - `JOB_CONFLICT`: somebody else changed it meanwhile. Nothing was written.
 * - `JOB_HELD`: somebody else works on it.
 */
export type JobErrorCode =
  | "JOB_STATE"
  | "JOB_INVALID"
  | "JOB_EXISTS"
  | "JOB_NOT_FOUND"
  | "JOB_DAMAGED"
  | "JOB_NEWER_FORMAT"
  | "JOB_CONFLICT"
  | "JOB_HELD";

/** Codes of this package. */
export type TaskStoreErrorCode = ReceiptErrorCode | RunErrorCode | JobErrorCode;

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

/** Something is wrong with a job. */
export class JobError extends TaskStoreError {
  override readonly name: string = "JobError";
  declare readonly code: JobErrorCode;
}

/** `JOB_STATE`: the state of a job does not allow an action; nothing was written. */
export class JobStateError extends JobError {
  override readonly name: string = "JobStateError";
  readonly state: JobStatus;
  readonly action: string;
  /** What the state allows. */
  readonly allowed: readonly JobAction[];

  constructor(
    message: string,
    options: {
      readonly path: string;
      readonly state: JobStatus;
      readonly action: string;
      readonly allowed: readonly JobAction[];
    },
  ) {
    super("JOB_STATE", message, { path: options.path });
    this.state = options.state;
    this.action = options.action;
    this.allowed = options.allowed;
  }
}

/** `JOB_HELD`: somebody else works on a job. */
export class JobHeldError extends JobError {
  override readonly name: string = "JobHeldError";
  readonly holder: Holder;

  constructor(
    message: string,
    options: { readonly path: string; readonly holder: Holder; readonly cause?: unknown },
  ) {
    super("JOB_HELD", message, options);
    this.holder = options.holder;
  }
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
