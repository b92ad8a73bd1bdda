import type { Clock, Store } from "@holdfast/storage";
import type { Environment } from "../config/environment.ts";
import type { WorkflowConfig } from "../config/schema.ts";
import type { AgentSupervisor, SupervisorOptions } from "../supervisor/supervisor.ts";
import type { WorkflowMessage } from "./result.ts";

/** What running and resuming have in common. */
export interface RunOptions {
  readonly store: Store;
  /** Stops the run: agents are ended, the state is saved, and the result's status is `aborted`. */
  readonly signal?: AbortSignal;
  /** Called with each ledger line once it is durable, and with notes between them. What it throws is not caught. */
  readonly onMessage?: (message: WorkflowMessage) => void;
  /** Default: the system's clock. */
  readonly clock?: Clock;
  /** Makes ids of messages and correlations; they must never repeat. Default: random UUIDs. */
  readonly newId?: () => string;
  /** A number in [0, 1), for the jitter of waiting times. Default: `Math.random`. */
  readonly random?: () => number;
  /** Environment of the agents and source of `${NAME}`. Default: `process.env`. */
  readonly env?: Environment;
  /** Between SIGTERM and SIGKILL when agents are ended. Default 5,000 ms. */
  readonly graceMs?: number;
  /** What runs the agents. Default: child processes. */
  readonly createSupervisor?: (options: SupervisorOptions) => AgentSupervisor;
}

/** Options of `runWorkflow`. */
export interface RunWorkflowOptions extends RunOptions {
  readonly config: WorkflowConfig;
  /** The file the config came from. Kept, so that a resume can read secrets from it that the store must not hold. */
  readonly configPath?: string;
  /** Id of a task of the config; may be left out when there is one. */
  readonly task?: string;
  /** Folder to work in, instead of the config's. */
  readonly workspace?: string;
  /** Id of the run. Default: `run-{YYYYMMDD}-{HHMMSS}-{8 hex}`. */
  readonly runId?: string;
}

/** Options of `resumeWorkflow`. */
export interface ResumeWorkflowOptions extends RunOptions {
  /** The configuration file, when it is no longer where it was and holds secrets that the store does not. */
  readonly configPath?: string;
}
