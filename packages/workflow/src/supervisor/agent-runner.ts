import { type Command, encodeMessage, type LedgerEvent, type Message } from "@holdfast/ledger";
import { type Clock, formatTimestamp } from "@holdfast/storage";
import {
  crashed,
  DEFAULT_TIMEOUT_MS,
  type Failed,
  type FailedAgent,
  givenUp,
  MISSED_HEARTBEATS,
  notStarted,
} from "./agent-failures.ts";
import { agentStartedLog } from "./agent-log.ts";
import { createAgentMessages } from "./agent-messages.ts";
import { type AgentExit, type AgentProcess, startAgent } from "./agent-process.ts";
import { AgentRecord } from "./agent-record.ts";
import type { AgentSpec, ExecuteOptions } from "./agent-spec.ts";
import type { Outcome } from "./outcome.ts";
import type { OutputLine } from "./output-splitter.ts";
import type { Redactor } from "./redactor.ts";
import { type RestartBackoff, restartDelayMs } from "./restart-backoff.ts";
import { createStderrKeeper } from "./stderr-keeper.ts";
import { watchOver } from "./watch.ts";

/** The supervisor's options with every default filled in. */
export interface RunnerSettings {
  readonly runId: string;
  readonly workspace: string;
  readonly configDir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly messageMaxBytes: number;
  readonly maxRestarts: number;
  readonly restartBackoff: RestartBackoff;
  readonly terminalEvents: ReadonlySet<string>;
  readonly redactor: Redactor;
  readonly clock: Clock;
  readonly random: () => number;
  readonly graceMs: number;
  readonly stderrMaxBytes: number;
  readonly record: (message: Message) => Promise<void>;
  readonly recordStderr: (agent: string, line: string) => Promise<void>;
}

/** One agent: its process, started when it is needed and again after it ended. */
export interface AgentRunner {
  execute(command: Command, options: ExecuteOptions): Promise<Outcome>;
  kill(): void;
  close(): Promise<void>;
}

const DEFAULT_HEARTBEAT_S = 10;

/** What can end the waiting for a command. */
type End =
  | { readonly kind: "terminal"; readonly event: LedgerEvent }
  | { readonly kind: "exit"; readonly exit: AgentExit }
  | { readonly kind: "timeout" | "heartbeat" | "aborted" };

/** A command that was sent. */
interface OpenCommand {
  readonly end: (end: End) => void;
  readonly fail: (error: unknown) => void;
  /** When the agent last gave a sign of life, by the monotonic clock. */
  lastSeenAt: number;
  /** Whether the process it was sent to answered it with an event. */
  answered: boolean;
  /** The terminal event, while it is being recorded. */
  terminal: Promise<LedgerEvent> | undefined;
}

/** Makes the runner of one agent. */
export function createAgentRunner(name: string, spec: AgentSpec, settings: RunnerSettings): AgentRunner {
  return new Runner(name, spec, settings);
}

class Runner implements AgentRunner {
  readonly #name: string;
  readonly #spec: AgentSpec;
  readonly #settings: RunnerSettings;
  readonly #about: FailedAgent;
  readonly #messages: ReturnType<typeof createAgentMessages>;
  readonly #record: AgentRecord;
  readonly #stderr: ReturnType<typeof createStderrKeeper>;
  readonly #closing = new AbortController();
  #process: AgentProcess | undefined;
  #open: OpenCommand | undefined;
  #busy: Promise<unknown> | undefined;
  #restarts = 0;
  #endedBadly = false;
  #beats = false;

  constructor(name: string, spec: AgentSpec, settings: RunnerSettings) {
    this.#name = name;
    this.#spec = spec;
    this.#settings = settings;
    const { workspace, maxRestarts, redactor, clock, record } = settings;
    const heartbeatIntervalS = spec.heartbeat_interval_s ?? DEFAULT_HEARTBEAT_S;
    this.#about = { name, cmd: spec.cmd, heartbeatIntervalS, maxRestarts, workspace, redactor };
    const onFailure = (error: unknown): void => this.#open?.fail(error);
    this.#record = new AgentRecord({ agent: name, redactor, clock, record, onFailure });
    this.#messages = createAgentMessages({ agent: name, ...settings });
    this.#stderr = createStderrKeeper({
      redactor: settings.redactor,
      maxBytes: settings.stderrMaxBytes,
      keep: (line) => settings.recordStderr(name, line),
      onFailure: (message) => {
        const said = `The log of agent "${name}" is not kept any more: ${message}`;
        this.#record.remark("warn", said, { problem: "stderr" }).catch(() => {});
      },
    });
  }

  async execute(command: Command, options: ExecuteOptions): Promise<Outcome> {
    if (this.#busy !== undefined) throw new TypeError(`Agent "${this.#name}" works on another command`);
    const busy = this.#execute(command, options);
    this.#busy = busy.catch(() => {});
    try {
      return await busy;
    } catch (error) {
      await this.#stop();
      throw error;
    } finally {
      this.#busy = undefined;
    }
  }

  kill(): void {
    this.#process?.kill();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#stop();
    await this.#busy;
    // A process that was being started when it was closed.
    await this.#stop();
  }

  async #execute(command: Command, options: ExecuteOptions): Promise<Outcome> {
    const text = `${encodeMessage(command, { maxBytes: this.#settings.messageMaxBytes })}\n`;
    const signals = [this.#closing.signal, ...(options.signal === undefined ? [] : [options.signal])];
    const signal = AbortSignal.any(signals);
    for (let resent = false; ; resent = true) {
      this.#record.assertWhole();
      if (signal.aborted) return givenUp(this.#about, "aborted");
      const running = await this.#running(command, signal);
      if ("kind" in running) return running;
      const { end, answered } = await this.#exchange(running, command, text, options.timeoutMs, signal);
      if (end.kind === "terminal") return { kind: "terminal", event: end.event };
      if (end.kind !== "exit") {
        this.#endedBadly = end.kind !== "aborted";
        await this.#stop();
        if (end.kind === "aborted") return givenUp(this.#about, "aborted");
        const outcome = givenUp(this.#about, end.kind, {
          timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
        });
        await this.#record.remark("error", outcome.message, { problem: end.kind });
        return outcome;
      }
      // It was on its way out, as after every command of a program that does one: it never saw this one.
      if (!answered && !resent && end.exit.code === 0) continue;
      this.#endedBadly = true;
      const outcome = crashed(this.#about, end.exit, this.#stderr.lastLine());
      await this.#record.remark("error", outcome.message, { problem: "crash", ...end.exit });
      return outcome;
    }
  }

  async #exchange(
    running: AgentProcess,
    command: Command,
    text: string,
    timeoutMs = DEFAULT_TIMEOUT_MS,
    signal: AbortSignal,
  ): Promise<{ end: End; answered: boolean }> {
    const { promise, resolve, reject } = Promise.withResolvers<End>();
    const open: OpenCommand = {
      end: resolve,
      fail: reject,
      lastSeenAt: performance.now(),
      answered: false,
      terminal: undefined,
    };
    const onAbort = (): void => resolve({ kind: "aborted" });
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    await this.#record.begin();
    this.#messages.open(command);
    this.#open = open;
    const intervalMs = this.#about.heartbeatIntervalS * 1_000;
    const stopWatching = watchOver({
      timeoutMs,
      silenceMs: intervalMs * MISSED_HEARTBEATS,
      lastSeenAt: () => {
        const unwatched = this.#spec.heartbeat_interval_s === undefined && !this.#beats;
        // What was not read yet, because recording is slow, is not the agent's silence.
        if (unwatched || running.isBackedUp()) open.lastSeenAt = performance.now();
        return open.lastSeenAt;
      },
      onTimeout: () => resolve({ kind: "timeout" }),
      onSilence: () => resolve({ kind: "heartbeat" }),
    });
    running.exited.then((exit) => resolve({ kind: "exit", exit }), reject);
    // A pipe that closed means that the program ends, or closed its input and may still answer: the exit or the timeout tells.
    running.send(text).catch(() => {});
    try {
      const end = await promise;
      this.#messages.settle();
      // The ledger decides: an event that is on its way into it ends the command, also when the time was up meanwhile.
      if (open.terminal === undefined) return { end, answered: open.answered };
      return { end: { kind: "terminal", event: await open.terminal }, answered: true };
    } finally {
      this.#messages.settle();
      stopWatching();
      signal.removeEventListener("abort", onAbort);
      this.#open = undefined;
      await this.#record.tellSkipped();
    }
  }

  /** The process, started when there is none. */
  async #running(command: Command, signal: AbortSignal): Promise<AgentProcess | Failed> {
    if (this.#process !== undefined) return this.#process;
    if (this.#endedBadly) {
      if (this.#restarts >= this.#settings.maxRestarts)
        return givenUp(this.#about, "restarts", { restarts: this.#restarts });
      this.#restarts += 1;
      const waitMs = restartDelayMs(this.#restarts, this.#settings.random(), this.#settings.restartBackoff);
      if (!(await waited(waitMs, signal))) return givenUp(this.#about, "aborted");
      this.#endedBadly = false;
    }
    let started: AgentProcess;
    try {
      started = await startAgent(this.#spec.cmd, {
        cwd: this.#settings.workspace,
        env: this.#environment(command),
        maxLineBytes: this.#settings.messageMaxBytes,
        graceMs: this.#settings.graceMs,
        onLine: (line) => this.#take(line, started.pid),
        onStderrLine: (line) => this.#stderr.take(line),
      });
    } catch (error) {
      this.#endedBadly = true;
      return notStarted(this.#about, error as NodeJS.ErrnoException);
    }
    this.#process = started;
    const gone = (exit: AgentExit | undefined): void => {
      if (this.#process === started) this.#process = undefined;
      // Its end between two commands counts when the next one needs it.
      if (
        exit !== undefined &&
        this.#open === undefined &&
        exit.code !== 0 &&
        !this.#closing.signal.aborted
      ) {
        this.#endedBadly = true;
      }
    };
    started.exited.then(gone, () => gone(undefined));
    const startedAt = formatTimestamp(this.#settings.clock());
    await this.#record.take(agentStartedLog(this.#name, started.identity, this.#restarts, startedAt));
    return started;
  }

  #environment(command: Command): Record<string, string | undefined> {
    return {
      ...this.#settings.env,
      ...this.#spec.env,
      HOLDFAST_RUN_ID: this.#settings.runId,
      HOLDFAST_TASK_ID: command.task_id,
      HOLDFAST_AGENT: this.#name,
      HOLDFAST_WORKSPACE: this.#settings.workspace,
      HOLDFAST_CONFIG_DIR: this.#settings.configDir,
    };
  }

  async #take(line: OutputLine, pid: number): Promise<void> {
    const read = this.#messages.read(line, pid);
    const open = this.#open;
    if (open !== undefined) {
      if (read.kind !== "remark" || read.isMessage) open.lastSeenAt = performance.now();
      if (read.kind !== "remark" && read.message.kind === "event") open.answered = true;
    }
    if (read.kind === "remark") return this.#record.problem(read.remark);
    if (read.message.kind === "heartbeat") this.#beats = true;
    if (read.kind !== "terminal" || open === undefined) return this.#record.take(read.message);
    const event = read.message;
    open.terminal = this.#record.take(event).then(() => event);
    open.end({ kind: "terminal", event: await open.terminal });
  }

  async #stop(): Promise<void> {
    const running = this.#process;
    if (running === undefined) return;
    // What its last lines could not be recorded for is known already.
    await running.stop(this.#settings.graceMs).catch(() => {});
    if (this.#process === running) this.#process = undefined;
  }
}

/** Waits; `false` when it was aborted. */
function waited(ms: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve(false);
    const done = (value: boolean): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      resolve(value);
    };
    const onAbort = (): void => done(false);
    const timer = setTimeout(() => done(true), ms);
    signal.addEventListener("abort", onAbort, { once: true });
  });
}
