import type { Command, Message } from "@holdfast/ledger";
import type { Clock } from "@holdfast/storage";
import type { Outcome } from "./outcome.ts";
import type { Redactor } from "./redactor.ts";

/** What the supervisor needs to know of one agent; a `WorkflowConfig`'s agent fits. */
export interface AgentSpec {
  /** Program and arguments. */
  readonly cmd: readonly string[];
  /** Seconds between heartbeats. When set, heartbeats are required while the agent works; three missed end it. */
  readonly heartbeat_interval_s?: number | undefined;
  /** Variables added to the environment. */
  readonly env?: Readonly<Record<string, string>> | undefined;
}

/** What a supervisor is made of. Times, randomness and where things are recorded come in from outside. */
export interface SupervisorOptions {
  readonly runId: string;
  /** Agents by name; the name is the `agent_type` of their messages. */
  readonly agents: Readonly<Record<string, AgentSpec>>;
  /** Absolute folder the agents start in. */
  readonly workspace: string;
  /** Absolute folder of the configuration: relative program paths are taken from here. */
  readonly configDir: string;
  /** Environment the agents inherit. Default: `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Bytes of one message with its newline. Default 262,144. */
  readonly messageMaxBytes?: number;
  /** Restarts after an abnormal end, for each agent of the run. Default 5. */
  readonly maxRestarts?: number;
  /** Waiting before a restart. Default 1 s, doubling, 60 s at most, full jitter. */
  readonly restartBackoff?: { readonly initialMs?: number; readonly multiplier?: number; readonly maxMs?: number };
  /** Events that end a command. */
  readonly terminalEvents: ReadonlySet<string>;
  /** Replaces secrets in everything that is recorded. Default: replaces nothing. */
  readonly redactor?: Redactor;
  readonly clock?: Clock;
  /** A number in [0, 1). Default `Math.random`. */
  readonly random?: () => number;
  /** Between SIGTERM and SIGKILL. Default 5,000 ms. */
  readonly graceMs?: number;
  /** Writes a message to the ledger; it is durable when this resolves. Calls are made in order, several may be under way. A rejection ends the agents and `execute` rejects with it. */
  readonly record: (message: Message) => Promise<void>;
  /** Keeps a line an agent wrote to stderr: redacted, bounded, without its newline. While it is pending the pipe is not read. */
  readonly recordStderr?: (agent: string, line: string) => Promise<void>;
}

/** What one command may take. */
export interface ExecuteOptions {
  /** Milliseconds until the agent is ended with `AGENT_TIMEOUT`. Default 3,600,000. */
  readonly timeoutMs?: number;
  /** Ends the agent with `AGENT_ABORTED`. */
  readonly signal?: AbortSignal;
}

/** Runs the agents of one run. */
export interface AgentSupervisor extends AsyncDisposable {
  /** Sends a command that stands in the ledger already and waits for its end; starts the agent when it is not running. One command per agent at a time. */
  execute(agent: string, command: Command, options?: ExecuteOptions): Promise<Outcome>;
  /** Ends every agent with its process group: end of input and SIGTERM, the grace, SIGKILL. Resolves when all are gone. */
  close(): Promise<void>;
}
