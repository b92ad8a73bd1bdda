import type { Holder } from "@holdfast/storage";

/** Codes of {@link WorkflowError}. */
export type WorkflowErrorCode =
  | "WORKFLOW_NO_TASK"
  | "WORKFLOW_RUN_MISSING"
  | "WORKFLOW_RUN_KIND"
  | "WORKFLOW_RUN_EXISTS"
  | "WORKFLOW_RUN_HELD"
  | "WORKFLOW_RUN_DAMAGED"
  | "WORKFLOW_SECRET_MISSING"
  | "WORKFLOW_STEP_FAILED"
  | "WORKFLOW_ROUNDS_EXCEEDED"
  | "WORKFLOW_FLOW_FAILED"
  | "WORKFLOW_COMMAND_TOO_LARGE"
  | "WORKFLOW_JOB_CONFIG_MISSING"
  | "WORKFLOW_JOB_AGENT"
  | "WORKFLOW_JOB_DAMAGED";

/** A run, or a step of a job, that cannot be started, resumed or told about. */
export class WorkflowError extends Error {
  override readonly name: string = "WorkflowError";
  readonly code: WorkflowErrorCode;
  /** Place in the store, or the run id. */
  readonly path: string;
  /** Who holds the run, for `WORKFLOW_RUN_HELD`. */
  readonly holder: Holder | undefined;

  constructor(
    code: WorkflowErrorCode,
    message: string,
    options: { readonly path: string; readonly cause?: unknown; readonly holder?: Holder | undefined },
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.path = options.path;
    this.holder = options.holder;
  }
}
