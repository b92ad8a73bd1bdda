/** What a finding is about. */
export type RunFindingKind =
  | "chain"
  | "key"
  | "receipt"
  | "artifact"
  | "state"
  | "snapshot"
  | "content"
  | "missing_output"
  | "in_doubt"
  | "unreadable";

/** Something that `verifyRun` noticed. */
export interface RunFinding {
  /** `error`: a promise is broken. `warning`: worth a look. `info`: as it should be, but unfinished. */
  readonly severity: "error" | "warning" | "info";
  readonly kind: RunFindingKind;
  /** Where: on files a path, with the line. */
  readonly place: string;
  /** Line of the ledger, from 1. */
  readonly line?: number;
  readonly message: string;
  /** What it means, and what to do. */
  readonly meaning: string;
}
