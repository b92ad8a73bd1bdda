import type { LedgerRecord } from "@holdfast/ledger";

/**
 * How a step stands. `done`: its terminal event and its receipt are there. `pending`: its terminal event is there and its receipt is
 * not, or its last attempt failed and it is tried again. `in_doubt`: a command was sent and how it ended is unknown; resuming sends it
 * again under the same key. `failed`: no attempt is left. `discarded`: the run went back over it, or planned it again.
 */
export type StepStatus = "done" | "pending" | "in_doubt" | "failed" | "discarded";

/** One step of a run, told from the ledger. Field names are those of the records. */
export interface StepDescription {
  /** Ordinal in the run, from 1; the number of its receipt. */
  readonly step: number;
  readonly stage: string;
  readonly action: string;
  readonly agent: string;
  /** How many times its stage had been entered, with this step. */
  readonly round: number;
  readonly status: StepStatus;
  /** Attempts that were begun. */
  readonly attempts: number;
  readonly max_attempts: number;
  /** Command lines in the ledger: attempts, and what was sent again by a resume. */
  readonly commands: number;
  readonly correlation_id: string;
  readonly key: string;
  readonly snapshot_id: string;
  /** Message id of its last command. */
  readonly command_id: string;
  /** Line of its last command in the ledger. */
  readonly command_seq: number;
  /** Terminal event that settled it, such as `review.completed`. */
  readonly event?: string;
  /** Status of that event, such as `approved`. */
  readonly event_status?: string;
  /** Why it failed, from the payload of its `error` event. */
  readonly error?: { readonly code: string; readonly message: string };
  /** Key of its receipt in the store. */
  readonly receipt?: string;
  readonly artifacts: readonly { readonly path: string; readonly sha256: string; readonly size: number }[];
  /** When its first command was written, RFC 3339. */
  readonly started_at?: string;
  /** When it was settled, RFC 3339. */
  readonly ended_at?: string;
  /** Seconds from the one to the other. */
  readonly time_seconds?: number;
}

/** How a run ended, for now. */
export interface WorkflowResult {
  readonly run_id: string;
  readonly task_id: string;
  readonly status: "completed" | "failed" | "aborted";
  readonly steps: readonly StepDescription[];
  /** Commands that this call sent; 0 when there was nothing left to do. */
  readonly commands_sent: number;
  readonly error?: { readonly code: string; readonly message: string };
  /** What to do next, when it did not complete. */
  readonly hint?: string;
}

/** What a run does besides writing its ledger, for somebody who watches. */
export type RunProgressNote =
  | { readonly kind: "run"; readonly run_id: string; readonly task_id: string; readonly resumed: boolean }
  | { readonly kind: "snapshot"; readonly snapshot_id: string; readonly files: number }
  | {
      readonly kind: "step";
      readonly step: number;
      readonly stage: string;
      readonly action: string;
      readonly agent: string;
      readonly round: number;
      readonly attempt: number;
      readonly max_attempts: number;
    }
  | { readonly kind: "waiting"; readonly step: number; readonly wait_ms: number }
  | { readonly kind: "receipt"; readonly step: number; readonly artifacts: number }
  | { readonly kind: "warning"; readonly message: string };

/** What `onMessage` is called with: a ledger line that is durable, or a note. */
export type WorkflowMessage = { readonly record: LedgerRecord } | { readonly progress: RunProgressNote };
