/**
 * Codes of {@link ConfigError}.
 *
 * - `CONFIG_MISSING`: there is no such file.
 * - `CONFIG_UNREADABLE`: it cannot be opened, is no file, or is larger than 16 MiB.
 * - `CONFIG_SYNTAX`: it is not UTF-8, not YAML or JSON, or holds a value that could not be kept exactly.
 * - `CONFIG_INVALID`: something in it is not what it must be.
 * - `CONFIG_UNSUPPORTED`: it is a config of another kind.
 */
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
