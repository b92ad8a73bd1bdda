import type { Artifact, Command, LogMessage } from "@holdfast/ledger";

/** What an event says besides its name. */
export interface EventDetails {
  readonly status?: string;
  readonly payload?: Readonly<Record<string, unknown>>;
  readonly artifacts?: readonly Artifact[];
}

/** What a handler works with: one command and the ways to answer it. */
export interface AgentContext {
  readonly command: Command;
  readonly action: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  /** Absolute folder the agent works in. */
  readonly workspace: string;
  /** Aborted when the agent must end: on SIGTERM, and when its orchestrator is gone. What is half done then stays unanswered. */
  readonly signal: AbortSignal;
  /** Says how far it is: an event `<agent type>.progress`. */
  readonly progress: (payload?: Readonly<Record<string, unknown>>) => Promise<void>;
  /** Sends an event that does not end the command. */
  readonly event: (event: string, details?: EventDetails) => Promise<void>;
  /** Computes checksum and size of a file that was made; `complete` names it unless artifacts are given there. */
  readonly artifact: (path: string) => Promise<Artifact>;
  /** Ends the command with its terminal event. Once; a second time is a `TypeError`. Nothing is sent after the signal was aborted. */
  readonly complete: (event: string, details?: EventDetails) => Promise<void>;
  /** A remark for the ledger. Never put a secret in it. */
  readonly log: (
    level: LogMessage["level"],
    message: string,
    fields?: Readonly<Record<string, unknown>>,
  ) => Promise<void>;
}

/** Does one command. What it throws becomes an `error` event, and so does ending without `complete`. */
export type AgentHandler = (context: AgentContext) => Promise<void> | void;
