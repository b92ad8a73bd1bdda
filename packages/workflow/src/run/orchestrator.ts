import { setTimeout as delay } from "node:timers/promises";
import type { Command, Ledger, LedgerEvent } from "@holdfast/ledger";
import { snapshotSize } from "@holdfast/snapshot";
import { type Clock, type Fence, formatTimestamp } from "@holdfast/storage";
import type { RunChange, RunStore } from "@holdfast/task-store";
import type { TaskConfig, WorkflowConfig } from "../config/schema.ts";
import { type Move, nextMove } from "../flow/next-move.ts";
import { ORCHESTRATOR, type RunProgress, type Step } from "../flow/progress.ts";
import type { Outcome } from "../supervisor/outcome.ts";
import type { Redactor } from "../supervisor/redactor.ts";
import type { AgentSupervisor } from "../supervisor/supervisor.ts";
import type { Transcript } from "../transcript/transcript.ts";
import { textOf } from "../unknown-value.ts";
import type { StepProblem } from "./check-artifacts.ts";
import { backoffMs, planCommand, repeatCommand, timeoutOf } from "./plan-command.ts";
import type { RunLog } from "./run-log.ts";
import type { StepProof } from "./step-proof.ts";
import type { Workspace } from "./workspace.ts";

/** What an orchestrator works with; all of it belongs to one claim of one run. */
export interface OrchestratorParts {
  readonly runId: string;
  readonly fence: Fence;
  readonly config: WorkflowConfig;
  readonly task: TaskConfig;
  readonly workspace: Workspace;
  readonly ledger: Ledger;
  readonly runs: RunStore;
  readonly progress: RunProgress;
  readonly transcript: Transcript;
  readonly redactor: Redactor;
  readonly clock: Clock;
  readonly newId: () => string;
  readonly random: () => number;
  readonly signal: AbortSignal | undefined;
  readonly log: RunLog;
  readonly proof: StepProof;
  /** Steps whose receipts are written. */
  readonly receipts: ReadonlySet<number>;
}

/** How a run came to an end, for now. */
export type RunEnd =
  | { readonly kind: "completed" }
  | { readonly kind: "interrupted" }
  | { readonly kind: "failed"; readonly code: string; readonly message: string };

/** Thrown inside the loop when the signal aborts; never leaves this file. */
class Interruption extends Error {}

/**
 * Carries a run from where its ledger stands to an end. The order of a step never changes: key, ledger line, command to the agent,
 * its messages to the ledger, terminal event, artifacts checked, receipt, run state. Whatever is thrown in between, the ledger says
 * where to go on.
 */
export class Orchestrator {
  readonly #parts: OrchestratorParts;
  readonly #log: RunLog;
  readonly #proof: StepProof;
  #supervisor: AgentSupervisor | undefined;
  #commandsSent = 0;

  constructor(parts: OrchestratorParts) {
    this.#parts = parts;
    this.#log = parts.log;
    this.#proof = parts.proof;
  }

  /** Commands that were handed to agents. */
  get commandsSent(): number {
    return this.#commandsSent;
  }

  /** Takes the agents to work with; they record through {@link RunLog.record}. */
  attach(supervisor: AgentSupervisor): void {
    this.#supervisor = supervisor;
  }

  /** Writes `run.json` from the ledger's story and the given change. */
  async saveState(change: RunChange = {}): Promise<void> {
    const { runs, runId, fence, progress, ledger } = this.#parts;
    const move = this.#nextMove();
    const step = progress.current;
    const stage = move.kind === "complete" ? "complete" : move.kind === "plan" ? move.stage : step?.stage;
    const label = stage === undefined ? undefined : (progress.flow.stages[stage]?.label ?? stage);
    await runs.update(
      runId,
      {
        ...(step === undefined ? {} : { correlation_id: step.correlationId, snapshot_id: step.snapshotId }),
        ...(label === undefined ? {} : { current_stage: label }),
        ...(progress.lastCommandId === undefined ? {} : { last_command_id: progress.lastCommandId }),
        ...(progress.lastEventId === undefined ? {} : { last_event_id: progress.lastEventId }),
        terminal_events: Object.fromEntries(progress.terminalByAgent),
        ledger_head: ledger.head,
        ...change,
      },
      { fence },
    );
  }

  /** Writes how the run ended into `run.json`. */
  async saveEnd(end: RunEnd): Promise<void> {
    switch (end.kind) {
      case "completed":
        return this.saveState({ status: "completed", current_stage: "complete" });
      case "interrupted":
        return this.saveState({ status: "aborted" });
      case "failed":
        return this.saveState({ status: "failed", error: { code: end.code, message: end.message } });
    }
  }

  /** Makes moves until the run ends or is interrupted. Every error of the store is thrown as it is. */
  async run(): Promise<RunEnd> {
    try {
      for (;;) {
        this.#checkSignal();
        const move = this.#nextMove();
        if (move.kind === "complete") return { kind: "completed" };
        if (move.kind === "fail") return { kind: "failed", code: move.code, message: move.message };
        await this.#make(move);
        if (this.#parts.transcript.isFull) await this.#parts.transcript.flush();
      }
    } catch (error) {
      const { signal } = this.#parts;
      // What the signal itself stopped (a snapshot, a wait) rejects with its reason.
      const stopped =
        signal?.aborted === true &&
        (error === signal.reason || (error instanceof Error && error.name === "AbortError"));
      if (error instanceof Interruption || stopped) return { kind: "interrupted" };
      throw error;
    }
  }

  #nextMove(): Move {
    const { progress, config, receipts } = this.#parts;
    return nextMove(progress, {
      maxRounds: config.policy.max_rounds,
      hasReceipt: (step) => receipts.has(step.step),
    });
  }

  #checkSignal(): void {
    if (this.#parts.signal?.aborted === true) throw new Interruption();
  }

  async #make(move: Exclude<Move, { kind: "complete" | "fail" }>): Promise<void> {
    switch (move.kind) {
      case "plan":
        return this.#plan(move);
      case "send":
        return this.#sendAgain(move.step, move.step.attempt);
      case "retry":
        await this.#wait(move.step, move.attempt);
        return this.#sendAgain(move.step, move.attempt);
      case "settle":
        return this.#settle(move.step);
    }
  }

  async #plan(move: Extract<Move, { kind: "plan" }>): Promise<void> {
    const { config, task, workspace, progress, redactor, clock, newId } = this.#parts;
    if (move.attempt > 0 && progress.current !== undefined) await this.#wait(progress.current, move.attempt);
    const snapshot = await workspace.take();
    this.#log.note({
      kind: "snapshot",
      snapshot_id: snapshot.snapshot_id,
      files: snapshotSize(snapshot).files,
    });
    this.#checkSignal();
    const made = {
      config,
      flow: progress.flow,
      task,
      redactor,
      snapshotId: snapshot.snapshot_id,
      now: clock(),
      newId,
    };
    const command = planCommand(move, made);
    await this.#log.append(command);
    await this.#execute(command);
  }

  async #sendAgain(step: Step, attempt: number): Promise<void> {
    const { config, clock, newId } = this.#parts;
    if (step.command === undefined) throw new TypeError(`Step ${step.step} has no command to send again`);
    const changed = await this.#proof.workspaceChanged(step);
    if (changed !== undefined) return this.#fail(step, changed);
    const command = repeatCommand(
      step.command,
      { attempt, maxAttempts: step.maxAttempts },
      { config, now: clock(), newId },
    );
    await this.#log.append(command);
    await this.#execute(command);
  }

  async #execute(command: Command): Promise<void> {
    const { config, progress, signal } = this.#parts;
    const step = progress.current;
    if (this.#supervisor === undefined || step === undefined)
      throw new TypeError("No supervisor is attached");
    this.#log.note({
      kind: "step",
      step: step.step,
      stage: step.stage,
      action: step.action,
      agent: step.agent,
      round: step.round,
      attempt: step.attempt,
      max_attempts: step.maxAttempts,
    });
    this.#checkSignal();
    // Names the step that is under way, and the line its command stands in: one that was cut off again is missed.
    await this.saveState();
    this.#commandsSent += 1;
    const outcome = await this.#supervisor.execute(step.agent, command, {
      timeoutMs: timeoutOf(config, step.agent, step.action),
      ...(signal === undefined ? {} : { signal }),
    });
    if (outcome.kind === "failed") await this.#failed(step, outcome);
  }

  async #failed(step: Step, outcome: Extract<Outcome, { kind: "failed" }>): Promise<void> {
    // An interrupted step stays pending: the next resume sends it again.
    if (outcome.reason === "aborted") throw new Interruption();
    await this.#fail(step, {
      code: outcome.code,
      message: outcome.message,
      status: outcome.reason,
      fatal: outcome.fatal,
    });
  }

  /** Settles an attempt as failed, in the ledger. */
  async #fail(step: Step, problem: StepProblem): Promise<void> {
    const { redactor, clock, newId, task } = this.#parts;
    const event: LedgerEvent = {
      kind: "event",
      message_id: newId(),
      correlation_id: step.correlationId,
      task_id: task.id,
      from: { agent_type: ORCHESTRATOR },
      event: "error",
      ...(problem.status === undefined ? {} : { status: problem.status }),
      payload: redactor.value({
        code: problem.code,
        message: problem.message,
        agent: step.agent,
        attempt: step.attempt,
        ...(problem.fatal === true ? { fatal: true } : {}),
        ...problem.details,
      }),
      occurred_at: formatTimestamp(clock()),
    };
    await this.#log.append(event);
    await this.saveState();
  }

  async #wait(step: Step, attempt: number): Promise<void> {
    const { config, random, signal, transcript } = this.#parts;
    await transcript.flush();
    // An agent whose process ended is started again after a wait of its own.
    const failure = step.settledBy;
    if (
      failure?.from.agent_type === ORCHESTRATOR &&
      textOf(failure.payload["code"])?.startsWith("AGENT_") === true
    )
      return;
    const waitMs = backoffMs(config.policy, attempt, random);
    if (waitMs <= 0) return;
    this.#log.note({ kind: "waiting", step: step.step, wait_ms: waitMs });
    try {
      await delay(waitMs, undefined, signal === undefined ? {} : { signal });
    } catch (error) {
      if (signal?.aborted === true) throw new Interruption();
      throw error;
    }
  }

  async #settle(step: Step): Promise<void> {
    const problem = await this.#proof.problemOf(step);
    if (problem !== undefined) return this.#fail(step, problem);
    await this.#proof.writeReceipt(step);
    await this.saveState();
    await this.#parts.transcript.flush();
  }
}
