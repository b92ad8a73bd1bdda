import type { Holder } from "@holdfast/storage";

/** Codes of {@link ConfigError}. */
export type ConfigErrorCode =
  | "CONFIG_MISSING"
  | "CONFIG_UNREADABLE"
  | "CONFIG_SYNTAX"
  | "CONFIG_INVALID"
  | "CONFIG_UNSUPPORTED";

/** One thing that is wrong in a configuration. */
export interface ConfigIssue {
  /** Path in the document, such as `agents.builder.cmd[0]`; empty for the document itself. */
  readonly documentPath: string;
  /** Line in the file, from 1. */
  readonly line?: number | undefined;
  /** Column in the line, from 1. */
  readonly column?: number | undefined;
  /** What stands there, shortened. */
  readonly found?: string | undefined;
  /** What may stand there. */
  readonly allowed?: string | undefined;
  /** The whole sentence. */
  readonly message: string;
}

/** A configuration that cannot be used. Nothing has been created when it is thrown. */
export class ConfigError extends Error {
  override readonly name: string = "ConfigError";
  readonly code: ConfigErrorCode;
  /** The file. */
  readonly path: string;
  /** Everything that is wrong, the first issue first. */
  readonly issues: readonly ConfigIssue[];
  readonly documentPath: string;
  readonly line: number | undefined;
  readonly column: number | undefined;
  readonly found: string | undefined;
  readonly allowed: string | undefined;

  constructor(
    code: ConfigErrorCode,
    message: string,
    options: { readonly path: string; readonly issues?: readonly ConfigIssue[]; readonly cause?: unknown },
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.path = options.path;
    this.issues = options.issues ?? [];
    const first = this.issues[0];
    this.documentPath = first?.documentPath ?? "";
    this.line = first?.line;
    this.column = first?.column;
    this.found = first?.found;
    this.allowed = first?.allowed;
  }
}

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
  | "WORKFLOW_COMMAND_TOO_LARGE";

/** A run that cannot be started, resumed or told about. */
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
