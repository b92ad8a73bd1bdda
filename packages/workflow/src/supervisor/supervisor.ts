import type { Command, Message } from "@holdfast/ledger";
import { type Clock, systemClock } from "@holdfast/storage";
import { type AgentRunner, createAgentRunner } from "./agent-runner.ts";
import type { AgentSpec, ExecuteOptions } from "./agent-spec.ts";
import type { Outcome } from "./outcome.ts";
import { createRedactor, type Redactor } from "./redactor.ts";
import type { RestartBackoff } from "./restart-backoff.ts";

/** What a supervisor is made of. Times, randomness and where things are recorded come in from outside. */
export interface SupervisorOptions {
  readonly runId: string;
  /** Agents by name; the name is the `agent_type` of their messages. */
  readonly agents: Readonly<Record<string, AgentSpec>>;
  /** Absolute folder the agents start in. */
  readonly workspace: string;
  /** Absolute folder of the configuration, given to the agents as `HOLDFAST_CONFIG_DIR`. */
  readonly configDir: string;
  /** Environment the agents inherit. Default: `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Bytes of one message with its newline. Default 262,144. */
  readonly messageMaxBytes?: number;
  /** Restarts after an abnormal end, for each agent of the run. Default 5. */
  readonly maxRestarts?: number;
  /** Waiting before a restart. Default 1 s, doubling, 60 s at most, full jitter. */
  readonly restartBackoff?: RestartBackoff;
  /** Events that end a command. */
  readonly terminalEvents: ReadonlySet<string>;
  /** Replaces secrets in everything that is recorded. Default: replaces nothing. */
  readonly redactor?: Redactor;
  readonly clock?: Clock;
  /** A number in [0, 1). Default `Math.random`. */
  readonly random?: () => number;
  /** Between SIGTERM and SIGKILL. Default 5,000 ms. */
  readonly graceMs?: number;
  /** Bytes of stderr that are kept of one agent. Default 67,108,864; what comes after is read and dropped. */
  readonly stderrMaxBytes?: number;
  /** Writes a message to the ledger; it is durable when this resolves. Calls are made in order, several may be under way. A rejection ends the agents and `execute` rejects with it. */
  readonly record: (message: Message) => Promise<void>;
  /** Keeps a line an agent wrote to stderr: redacted, bounded, without its newline. While it is pending the pipe is not read. */
  readonly recordStderr?: (agent: string, line: string) => Promise<void>;
}

/** Runs the agents of one run. */
export interface AgentSupervisor extends AsyncDisposable {
  /**
   * Sends a command that stands in the ledger already and waits for its end; starts the agent when it is not running.
   * One command per agent at a time: a second one is a `TypeError`, and so is an agent that is not configured.
   */
  execute(agent: string, command: Command, options?: ExecuteOptions): Promise<Outcome>;
  /** Ends every agent with its process group: end of input and SIGTERM, the grace, SIGKILL. Resolves when all are gone. */
  close(): Promise<void>;
}

/**
 * Makes the supervisor of a run's agents. Nothing is started before the first command.
 *
 * Each agent is a process group of its own; the group ends with the command that failed, with `close()`, and when this process exits.
 * After a `kill -9` of this process the groups are found by what was recorded of them: see {@link endOrphans}.
 */
export function agentSupervisor(options: SupervisorOptions): AgentSupervisor {
  const settings = {
    ...options,
    env: options.env ?? process.env,
    messageMaxBytes: options.messageMaxBytes ?? 262_144,
    maxRestarts: options.maxRestarts ?? 5,
    restartBackoff: options.restartBackoff ?? {},
    redactor: options.redactor ?? createRedactor({ env: {} }),
    clock: options.clock ?? systemClock,
    random: options.random ?? Math.random,
    graceMs: options.graceMs ?? 5_000,
    stderrMaxBytes: options.stderrMaxBytes ?? 67_108_864,
    recordStderr: options.recordStderr ?? (() => Promise.resolve()),
  };
  const runners = new Map<string, AgentRunner>(
    Object.entries(options.agents).map(([name, spec]) => [name, createAgentRunner(name, spec, settings)]),
  );
  const killAll = (): void => {
    for (const runner of runners.values()) runner.kill();
  };
  process.on("exit", killAll);
  let closing: Promise<void> | undefined;

  const close = (): Promise<void> => {
    closing ??= Promise.all([...runners.values()].map((runner) => runner.close())).then(() => {
      process.off("exit", killAll);
      return undefined;
    });
    return closing;
  };
  return {
    async execute(agent, command, executeOptions = {}) {
      const runner = runners.get(agent);
      if (runner === undefined) throw new TypeError(`Agent "${agent}" is not configured`);
      return runner.execute(command, executeOptions);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
