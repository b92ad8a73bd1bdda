/** What the supervisor needs to know of one agent; a `WorkflowConfig`'s agent fits. */
export interface AgentSpec {
  /** Program and arguments. A program without a slash is looked up in `PATH`. */
  readonly cmd: readonly string[];
  /** Seconds between heartbeats. When set, heartbeats are required while the agent works; three missed end it. */
  readonly heartbeat_interval_s?: number | undefined;
  /** Variables added to the environment, their `${NAME}` replaced already. */
  readonly env?: Readonly<Record<string, string>> | undefined;
}

/** What one command may take. */
export interface ExecuteOptions {
  /** Milliseconds until the agent is ended with `AGENT_TIMEOUT`. Default 3,600,000. */
  readonly timeoutMs?: number;
  /** Ends the agent with `AGENT_ABORTED`. */
  readonly signal?: AbortSignal;
}
