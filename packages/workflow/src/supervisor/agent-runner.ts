import { existsSync } from "node:fs";
import {
  type Command,
  encodeMessage,
  type LedgerEvent,
  type LogMessage,
  type Message,
} from "@holdfast/ledger";
import { type Clock, formatTimestamp } from "@holdfast/storage";
import { agentStartedLog } from "./agent-log.ts";
import { createAgentMessages } from "./agent-messages.ts";
import { type AgentExit, type AgentProcess, startAgent } from "./agent-process.ts";
import type { AgentSpec, ExecuteOptions } from "./agent-spec.ts";
import type { AgentFailureCode, Outcome } from "./outcome.ts";
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
const DEFAULT_TIMEOUT_MS = 3_600_000;
const PROBLEMS_RECORDED = 20;
const MISSED_HEARTBEATS = 3;

type Failed = Extract<Outcome, { kind: "failed" }>;

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
  readonly #messages: ReturnType<typeof createAgentMessages>;
  readonly #stderr: ReturnType<typeof createStderrKeeper>;
  readonly #closing = new AbortController();
  #process: AgentProcess | undefined;
  #open: OpenCommand | undefined;
  #busy: Promise<unknown> | undefined;
  #restarts = 0;
  #endedBadly = false;
  #beats = false;
  #problems = 0;
  #failure: { readonly error: unknown } | undefined;

  constructor(name: string, spec: AgentSpec, settings: RunnerSettings) {
    this.#name = name;
    this.#spec = spec;
    this.#settings = settings;
    this.#messages = createAgentMessages({ agent: name, ...settings });
    this.#stderr = createStderrKeeper({
      redactor: settings.redactor,
      maxBytes: settings.stderrMaxBytes,
      keep: (line) => settings.recordStderr(name, line),
      onFailure: (message) => {
        this.#remark("warn", `The log of agent "${name}" is not kept any more: ${message}`, {
          problem: "stderr",
        }).catch(() => {});
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
      if (this.#failure !== undefined) throw this.#failure.error;
      if (signal.aborted) return this.#failed("aborted");
      const running = await this.#running(command, signal);
      if ("kind" in running) return running;
      const { end, answered } = await this.#exchange(running, command, text, options.timeoutMs, signal);
      if (end.kind === "terminal") return { kind: "terminal", event: end.event };
      if (end.kind !== "exit") {
        this.#endedBadly = end.kind !== "aborted";
        await this.#stop();
        if (end.kind === "aborted") return this.#failed("aborted");
        const outcome = this.#failed(end.kind, options.timeoutMs);
        await this.#remark("error", outcome.message, { problem: end.kind });
        return outcome;
      }
      // It was on its way out, as after every command of a program that does one: it never saw this one.
      if (!answered && !resent && end.exit.code === 0) continue;
      this.#endedBadly = true;
      const outcome = this.#crashed(end.exit);
      await this.#remark("error", outcome.message, { problem: "crash", ...end.exit });
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
    if (this.#problems > PROBLEMS_RECORDED) await this.#remarkSkipped();
    this.#problems = 0;
    this.#messages.open(command);
    this.#open = open;
    const intervalMs = (this.#spec.heartbeat_interval_s ?? DEFAULT_HEARTBEAT_S) * 1_000;
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
      if (this.#problems > PROBLEMS_RECORDED) await this.#remarkSkipped();
    }
  }

  /** The process, started when there is none. */
  async #running(command: Command, signal: AbortSignal): Promise<AgentProcess | Failed> {
    if (this.#process !== undefined) return this.#process;
    if (this.#endedBadly) {
      if (this.#restarts >= this.#settings.maxRestarts) return this.#failed("restarts");
      this.#restarts += 1;
      const waitMs = restartDelayMs(this.#restarts, this.#settings.random(), this.#settings.restartBackoff);
      if (!(await waited(waitMs, signal))) return this.#failed("aborted");
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
      return this.#notStarted(error as NodeJS.ErrnoException);
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
    await this.#record(
      agentStartedLog(this.#name, started.identity, this.#restarts, formatTimestamp(this.#settings.clock())),
    );
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
    if (read.kind === "remark") {
      this.#problems += 1;
      // A program that floods its output with garbage must not fill the disk with remarks about it.
      if (this.#problems > PROBLEMS_RECORDED) return;
      await this.#record(read.remark());
      return;
    }
    if (read.message.kind === "heartbeat") this.#beats = true;
    if (read.kind !== "terminal" || open === undefined) return this.#record(read.message);
    const event = read.message;
    open.terminal = this.#record(event).then(() => event);
    open.end({ kind: "terminal", event: await open.terminal });
  }

  async #record(message: Message): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure.error;
    try {
      await this.#settings.record(message);
    } catch (error) {
      this.#failure ??= { error };
      this.#open?.fail(error);
      throw error;
    }
  }

  async #remark(level: LogMessage["level"], message: string, fields: Record<string, unknown>): Promise<void> {
    const { redactor, clock } = this.#settings;
    await this.#record({
      kind: "log",
      level,
      message: redactor.text(message),
      fields: redactor.value({ agent: this.#name, ...fields }),
      timestamp: formatTimestamp(clock()),
    });
  }

  async #remarkSkipped(): Promise<void> {
    const skipped = this.#problems - PROBLEMS_RECORDED;
    this.#problems = 0;
    await this.#remark(
      "error",
      `Agent "${this.#name}" wrote ${skipped} more lines that were not recorded one by one`,
      {
        problem: "flood",
        lines: skipped,
      },
    );
  }

  async #stop(): Promise<void> {
    const running = this.#process;
    if (running === undefined) return;
    // What its last lines could not be recorded for is known already.
    await running.stop(this.#settings.graceMs).catch(() => {});
    if (this.#process === running) this.#process = undefined;
  }

  #failed(reason: "timeout" | "heartbeat" | "aborted" | "restarts", timeoutMs = DEFAULT_TIMEOUT_MS): Failed {
    const agent = `Agent "${this.#name}"`;
    const interval = this.#spec.heartbeat_interval_s ?? DEFAULT_HEARTBEAT_S;
    const told: Record<typeof reason, { code: AgentFailureCode; message: string; fatal: boolean }> = {
      timeout: {
        code: "AGENT_TIMEOUT",
        message: `${agent} was ended: no answer within ${timeoutMs / 1_000} s`,
        fatal: false,
      },
      heartbeat: {
        code: "AGENT_HEARTBEAT",
        message: `${agent} was ended: ${MISSED_HEARTBEATS} heartbeats missed, one every ${interval} s is due`,
        fatal: false,
      },
      aborted: {
        code: "AGENT_ABORTED",
        message: `${agent} was ended: the run is being stopped`,
        fatal: true,
      },
      restarts: {
        code: "AGENT_RESTARTS_EXCEEDED",
        message: `${agent} is not started again: it ended abnormally ${this.#restarts + 1} times, policy.max_restarts is ${this.#settings.maxRestarts}; see its log`,
        fatal: true,
      },
    };
    return { kind: "failed", reason, ...told[reason] };
  }

  #crashed(exit: AgentExit): Failed {
    const how = exit.signal === null ? `with status ${exit.code ?? "unknown"}` : `by ${exit.signal}`;
    const last = this.#stderr.lastLine();
    const said = last === undefined ? "" : `; its last words: ${last}`;
    return {
      kind: "failed",
      reason: "crash",
      code: "AGENT_CRASHED",
      message: `Agent "${this.#name}" ended ${how} before a terminal event${said}`,
      fatal: false,
    };
  }

  #notStarted(error: NodeJS.ErrnoException): Failed {
    const program = this.#settings.redactor.text(this.#spec.cmd[0] ?? "");
    const workspace = this.#settings.workspace;
    if (!existsSync(workspace)) {
      const message = `Cannot start agent "${this.#name}" in "${workspace}": the workspace does not exist; create it or change workspace`;
      return { kind: "failed", reason: "spawn", code: "AGENT_SPAWN", message, fatal: true };
    }
    const known: Record<string, string> = {
      ENOENT: program.includes("/")
        ? "there is no such program, or the interpreter of its first line is missing"
        : "not found in PATH; install it or write its path in cmd",
      EACCES: "not allowed, or not an executable file; check its mode",
      ENOTDIR: "a part of the path is not a folder",
      E2BIG: "its arguments and environment are too long",
    };
    const { code = "" } = error;
    return {
      kind: "failed",
      reason: "spawn",
      code: "AGENT_SPAWN",
      message: `Cannot start agent "${this.#name}" ("${program}"): ${known[code] ?? this.#settings.redactor.text(error.message)}`,
      fatal: Object.hasOwn(known, code),
    };
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
