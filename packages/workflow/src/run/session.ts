import { randomUUID } from "node:crypto";
import { dirname, resolve } from "node:path";
import { type Command, type Ledger, openLedger } from "@holdfast/ledger";
import { type Claim, type Clock, type Store, systemClock } from "@holdfast/storage";
import { runStore } from "@holdfast/task-store";
import { type Environment, expandVariables } from "../config/environment.ts";
import type { AgentConfig, TaskConfig, WorkflowConfig } from "../config/schema.ts";
import { WorkflowError } from "../errors.ts";
import type { RunProgress } from "../flow/progress.ts";
import { createRedactor, type Redactor } from "../supervisor/redactor.ts";
import { type AgentSupervisor, agentSupervisor, type SupervisorOptions } from "../supervisor/supervisor.ts";
import { Transcript } from "../transcript/transcript.ts";
import type { StoryAt } from "./kept-story.ts";
import type { RunOptions } from "./options.ts";
import { Orchestrator, type RunEnd } from "./orchestrator.ts";
import { sentAt } from "./plan-command.ts";
import { RunLog } from "./run-log.ts";
import { RunStory } from "./run-story.ts";
import { StderrLog } from "./stderr-log.ts";
import { StepProof } from "./step-proof.ts";
import { StoryKeeper } from "./story-keeper.ts";
import { openWorkspace, type Workspace } from "./workspace.ts";

/** What both ways into a run settle first. */
export interface SessionOptions {
  readonly runId: string;
  readonly config: WorkflowConfig;
  readonly configPath: string | undefined;
  readonly task: TaskConfig;
  readonly claim: Claim;
  readonly options: RunOptions;
  /** The story of an earlier claim, to go on from. */
  readonly loadStory?: (ledger: Ledger) => Promise<StoryAt | undefined>;
}

/** The environment agents get: `${NAME}` replaced. */
function agentEnvironment(agent: AgentConfig, env: Environment, name: string): Record<string, string> {
  const entries = Object.entries(agent.env).map(([variable, value]) => {
    const expanded = expandVariables(value, env);
    if ("value" in expanded) return [variable, expanded.value] as const;
    const missing = expanded.problem.kind === "missing" ? expanded.problem.name : expanded.problem.text;
    const message = `Cannot start agent "${name}": environment variable "${missing}" is not set; set it and resume the run`;
    throw new WorkflowError("WORKFLOW_SECRET_MISSING", message, { path: `agents.${name}.env.${variable}` });
  });
  return Object.fromEntries(entries);
}

/** Agents as a supervisor takes them. */
function agentSpecs(config: WorkflowConfig, env: Environment): SupervisorOptions["agents"] {
  const specs = Object.entries(config.agents).map(([name, agent]) => {
    const interval = agent.heartbeat_interval_s;
    const beats = interval === undefined ? {} : { heartbeat_interval_s: interval };
    return [name, { cmd: agent.cmd, env: agentEnvironment(agent, env, name), ...beats }] as const;
  });
  return Object.fromEntries(specs);
}

/** Knows the secrets of the process and of every agent. */
export function redactorFor(config: WorkflowConfig, env: Environment): Redactor {
  const agents = Object.entries(config.agents).map(([name, agent]) => agentEnvironment(agent, env, name));
  return createRedactor({ patterns: config.policy.redact, env: [env, ...agents] });
}

/** One claim of one run: everything that is open while it is worked on. */
export class Session {
  readonly runId: string;
  readonly store: Store;
  readonly claim: Claim;
  readonly config: WorkflowConfig;
  readonly task: TaskConfig;
  readonly ledger: Ledger;
  /** What was known of the ledger's beginning, which need not be read again. */
  readonly known: StoryAt | undefined;
  readonly story: RunStory;
  readonly progress: RunProgress;
  readonly transcript: Transcript;
  readonly workspace: Workspace;
  readonly redactor: Redactor;
  readonly clock: Clock;
  readonly receipts = new Set<number>();
  readonly log: RunLog;
  readonly proof: StepProof;
  readonly orchestrator: Orchestrator;
  readonly #supervisor: AgentSupervisor;
  readonly #stderr: StderrLog;

  private constructor(
    session: SessionOptions,
    ledger: Ledger,
    transcript: Transcript,
    known: StoryAt | undefined,
  ) {
    const { config, claim, options, runId, task } = session;
    const { store, signal } = options;
    const env = options.env ?? process.env;
    this.runId = runId;
    this.store = store;
    this.claim = claim;
    this.config = config;
    this.task = task;
    this.ledger = ledger;
    this.known = known;
    this.story = known?.story ?? new RunStory(config);
    this.progress = this.story.progress;
    this.transcript = transcript;
    this.workspace = openWorkspace(config.workspace, config, store, signal, (message) => {
      options.onMessage?.({ progress: { kind: "warning", message } });
    });
    this.redactor = redactorFor(config, env);
    this.clock = options.clock ?? systemClock;
    const random = options.random ?? Math.random;
    const { workspace, story, progress, redactor, clock, receipts } = this;
    const keeper = new StoryKeeper({ store, runId, fence: claim, config, story, transcript, receipts });
    if (known !== undefined) keeper.keptAt(known.seq);
    this.log = new RunLog({
      ledger,
      story,
      transcript,
      redactor,
      clock,
      keeper,
      onMessage: options.onMessage,
    });
    const shared = { runId, fence: claim, config, task, workspace, progress, redactor, clock, signal };
    this.proof = new StepProof({ ...shared, store, receipts }, this.log);
    this.orchestrator = new Orchestrator({
      ...shared,
      ledger,
      runs: runStore(store),
      transcript,
      newId: options.newId ?? randomUUID,
      random,
      log: this.log,
      proof: this.proof,
      receipts,
    });
    this.#stderr = new StderrLog(store, runId, claim, this.clock);
    this.#supervisor = (options.createSupervisor ?? agentSupervisor)(
      this.#supervisorOptions(session, env, random),
    );
    this.orchestrator.attach(this.#supervisor);
  }

  /** Opens what a run is worked on with. The claim is the caller's to give back when this fails. */
  static async open(session: SessionOptions): Promise<Session> {
    const { store } = session.options;
    const ledger = await openLedger(store, session.runId, { fence: session.claim });
    try {
      const { claim: fence, config } = session;
      const options = { fence, sentAt: (command: Command) => sentAt(config, command) };
      const transcript = await Transcript.open(store, session.runId, options);
      const known = await session.loadStory?.(ledger);
      // A transcript that tells less was cut, or deleted: it is told again from the start of the ledger.
      if (known === undefined || transcript.lastTold < known.transcriptSeq)
        return new Session(session, ledger, transcript, undefined);
      transcript.passOver(known.seq);
      return new Session(session, ledger, transcript, known);
    } catch (error) {
      await ledger.close();
      throw error;
    }
  }

  #supervisorOptions(session: SessionOptions, env: Environment, random: () => number): SupervisorOptions {
    const { config, configPath, runId, options } = session;
    const { backoff } = config.policy.retry;
    return {
      runId,
      agents: agentSpecs(config, env),
      workspace: config.workspace,
      configDir: configPath === undefined ? config.workspace : dirname(resolve(configPath)),
      env,
      messageMaxBytes: config.policy.message_max_bytes,
      maxRestarts: config.policy.max_restarts,
      restartBackoff: {
        initialMs: backoff.initial_ms,
        multiplier: backoff.multiplier,
        maxMs: backoff.max_ms,
      },
      terminalEvents: this.progress.terminalEvents,
      redactor: this.redactor,
      clock: this.clock,
      random: backoff.jitter === "none" ? () => 1 : random,
      ...(options.graceMs === undefined ? {} : { graceMs: options.graceMs }),
      record: (message) => this.log.record(message),
      recordStderr: (agent, line) => this.#stderr.add(agent, line),
    };
  }

  /** Works until the run ends, and writes down how. Agents are gone when it resolves. */
  async finish(): Promise<RunEnd> {
    const end = await this.orchestrator.run();
    await this.#supervisor.close();
    await this.#stderr.flush();
    await this.#tellEnd(end);
    await this.transcript.flush();
    await this.orchestrator.saveEnd(end);
    return end;
  }

  async #tellEnd(end: RunEnd): Promise<void> {
    // Told already when the run was killed between this line and its state.
    if (this.progress.ended === end.kind) return;
    const { log, runId } = this;
    if (end.kind === "completed") await log.remark("info", `Run ${runId} is completed`, { run: "completed" });
    else if (end.kind === "interrupted") {
      await log.remark("warn", `Run ${runId} is interrupted; holdfast resume ${runId} goes on`, {
        run: "interrupted",
      });
    } else {
      await log.remark("error", `Run ${runId} failed: ${end.message}`, {
        run: "failed",
        code: end.code,
      });
    }
  }

  /** Ends the agents, closes everything and gives the run back. Errors of a run that already failed must not hide the first one. */
  async close(to: "done" | "ready", options: { readonly afterFailure: boolean }): Promise<void> {
    const problems: unknown[] = [];
    const attempt = async (step: () => Promise<unknown>): Promise<void> => {
      try {
        await step();
      } catch (error) {
        problems.push(error);
      }
    };
    await attempt(() => this.#supervisor.close());
    await attempt(() => this.#stderr.flush());
    if (options.afterFailure) await attempt(() => this.transcript.flush());
    await attempt(() => this.ledger.close());
    await attempt(() => this.store.work.settle(this.claim, to));
    if (!options.afterFailure && problems.length > 0) throw problems[0];
  }
}
