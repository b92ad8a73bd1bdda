import { setTimeout as delay } from "node:timers/promises";
import type { Artifact, Command, Ledger, LedgerEvent, LedgerRecord, Message } from "@holdfast/ledger";
import { snapshotSize } from "@holdfast/snapshot";
import { type Clock, type Fence, formatTimestamp, type Store } from "@holdfast/storage";
import { type Receipt, type RunChange, type RunStore, recordReceipt } from "@holdfast/task-store";
import type { TaskConfig, WorkflowConfig } from "../config/schema.ts";
import { READ_ONLY_ACTIONS } from "../flow/flow.ts";
import { type Move, nextMove } from "../flow/next-move.ts";
import { ORCHESTRATOR, type RunProgress, type Step } from "../flow/progress.ts";
import type { Outcome } from "../supervisor/outcome.ts";
import type { Redactor } from "../supervisor/redactor.ts";
import type { AgentSupervisor } from "../supervisor/supervisor.ts";
import type { Transcript } from "../transcript/transcript.ts";
import { textOf } from "../unknown-value.ts";
import { missingOutputs, problemOfArtifacts, type StepProblem } from "./check-artifacts.ts";
import { backoffMs, planCommand, repeatCommand, timeoutOf } from "./plan-command.ts";
import type { WorkflowMessage } from "./result.ts";
import type { Workspace } from "./workspace.ts";

/** What an orchestrator works with; all of it belongs to one claim of one run. */
export interface OrchestratorParts {
  readonly store: Store;
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
  readonly onMessage: ((message: WorkflowMessage) => void) | undefined;
  /** Steps whose receipts are written. */
  readonly receipts: Set<number>;
}

/** How a run came to an end, for now. */
export type RunEnd =
  | { readonly kind: "completed" }
  | { readonly kind: "interrupted" }
  | { readonly kind: "failed"; readonly code: string; readonly message: string };

/** Thrown inside the loop when the signal aborts; never leaves this file. */
class Interruption extends Error {}

/** Paths that a line of the ledger names at most. */
const MAX_PATHS = 20;

/**
 * Carries a run from where its ledger stands to an end. The order of a step never changes: key, ledger line, command to the agent,
 * its messages to the ledger, terminal event, artifacts checked, receipt, run state. Whatever is thrown in between, the ledger says
 * where to go on.
 */
export class Orchestrator {
  readonly #parts: OrchestratorParts;
  #supervisor: AgentSupervisor | undefined;
  #commandsSent = 0;

  constructor(parts: OrchestratorParts) {
    this.#parts = parts;
  }

  /** Commands that were handed to agents. */
  get commandsSent(): number {
    return this.#commandsSent;
  }

  /** Takes the agents to work with; they record through {@link record}. */
  attach(supervisor: AgentSupervisor): void {
    this.#supervisor = supervisor;
  }

  /** Writes a message to the ledger, takes it into the story and tells whoever watches. Durable when it resolves. */
  async append(message: Message): Promise<LedgerRecord> {
    const { ledger, progress, transcript, onMessage } = this.#parts;
    const record = await ledger.append(message);
    progress.apply(record);
    transcript.tell(record, progress);
    onMessage?.({ record });
    // One step may say more than memory should hold: its story is written while it goes on.
    if (transcript.isFull) await transcript.flush();
    return record;
  }

  /** Writes what agents and their supervisor say. A remark cannot pass for one of the orchestrator's own. */
  async record(message: Message): Promise<void> {
    if (message.kind === "log" && message.fields?.["by"] === ORCHESTRATOR) {
      await this.append({ ...message, fields: { ...message.fields, by: "agent" } });
    } else if (message.kind === "event" && message.from.agent_type === ORCHESTRATOR) {
      await this.append({ ...message, from: { ...message.from, agent_type: "agent" } });
    } else {
      await this.append(message);
    }
  }

  /** A remark of the orchestrator itself. */
  async remark(
    level: "info" | "warn" | "error",
    message: string,
    fields: Record<string, unknown>,
  ): Promise<void> {
    const { redactor, clock } = this.#parts;
    await this.append({
      kind: "log",
      level,
      message: redactor.text(message),
      fields: { by: ORCHESTRATOR, ...redactor.value(fields) },
      timestamp: formatTimestamp(clock()),
    });
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
    this.#note({ kind: "snapshot", snapshot_id: snapshot.snapshot_id, files: snapshotSize(snapshot).files });
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
    await this.append(command);
    await this.#execute(command);
  }

  async #sendAgain(step: Step, attempt: number): Promise<void> {
    const { config, clock, newId } = this.#parts;
    if (step.command === undefined) throw new TypeError(`Step ${step.step} has no command to send again`);
    const changed = await this.#workspaceChanged(step);
    if (changed !== undefined) return this.#fail(step, changed);
    const command = repeatCommand(
      step.command,
      { attempt, maxAttempts: step.maxAttempts },
      { config, now: clock(), newId },
    );
    await this.append(command);
    await this.#execute(command);
  }

  async #execute(command: Command): Promise<void> {
    const { config, progress, signal } = this.#parts;
    const step = progress.current;
    if (this.#supervisor === undefined || step === undefined)
      throw new TypeError("No supervisor is attached");
    this.#note({
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
    await this.append(event);
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
    this.#note({ kind: "waiting", step: step.step, wait_ms: waitMs });
    try {
      await delay(waitMs, undefined, signal === undefined ? {} : { signal });
    } catch (error) {
      if (signal?.aborted === true) throw new Interruption();
      throw error;
    }
  }

  async #settle(step: Step): Promise<void> {
    const problem = await this.#problemOf(step);
    if (problem !== undefined) return this.#fail(step, problem);
    await this.writeReceipt(step);
    await this.saveState();
    await this.#parts.transcript.flush();
  }

  /** What a finished step proves. */
  #receiptOf(step: Step): Receipt {
    const { clock, task, redactor } = this.#parts;
    return {
      schema: "holdfast/receipt/v1",
      task_id: task.id,
      step: step.step,
      action: step.action,
      idempotency_key: step.key,
      snapshot_id: step.snapshotId,
      command_message_id: step.commandId,
      correlation_id: step.correlationId,
      artifacts: [...step.artifacts.values()].map(
        ({ path, sha256, size }): Artifact => ({ path, sha256, size }),
      ),
      events: [...step.events],
      created_at: formatTimestamp(clock()),
      instruction: redactor.text(task.goal),
    };
  }

  /** What stands against the artifacts that a step says it made, if something does. */
  async problemOfArtifacts(step: Step): Promise<StepProblem | undefined> {
    const { workspace, config, signal } = this.#parts;
    const maxBytes = config.policy.artifact_max_bytes;
    return problemOfArtifacts(this.#receiptOf(step), { workspace: workspace.root, maxBytes, signal });
  }

  /** Writes the receipt of a step whose artifacts have been checked. */
  async writeReceipt(step: Step): Promise<void> {
    const { store, runId, fence, receipts } = this.#parts;
    const receipt = await recordReceipt(store, runId, this.#receiptOf(step), { fence });
    receipts.add(step.step);
    this.#note({ kind: "receipt", step: step.step, artifacts: receipt.artifacts.length });
  }

  /** What stands against a step that ended well, if something does. */
  async #problemOf(step: Step): Promise<StepProblem | undefined> {
    const { progress, config } = this.#parts;
    if (progress.targetOf(step) === undefined) return unexpectedEvent(step, progress);
    if (config.policy.strict_version_pinning && step.observed !== undefined) {
      return versionMismatch(
        `the agent worked on ${step.observed}, the step is pinned to ${step.snapshotId}`,
        [],
      );
    }
    const problem = await this.problemOfArtifacts(step);
    if (problem !== undefined) return problem;
    const changed = await this.#workspaceChanged(step);
    if (changed !== undefined) return changed;
    await this.#remarkMissing(step);
    return undefined;
  }

  async #remarkMissing(step: Step): Promise<void> {
    const missing = missingOutputs(step.command?.expected_outputs ?? [], this.#parts.workspace.root);
    if (missing.length === 0) return;
    await this.remark("warn", `Step ${step.step} ended without ${listed(missing)}, which it was asked for`, {
      missing_outputs: missing.slice(0, MAX_PATHS),
      step: step.step,
    });
  }

  /** For a step that only reads: how the workspace differs from what it was pinned to, beyond what the step says it made. */
  async #workspaceChanged(step: Step): Promise<StepProblem | undefined> {
    const { config, workspace } = this.#parts;
    if (!config.policy.strict_version_pinning || !READ_ONLY_ACTIONS.has(step.action)) return undefined;
    const changed = (await workspace.changesSince(step.snapshotId)).filter(
      (path) => !step.artifacts.has(path),
    );
    if (changed.length === 0) return undefined;
    return versionMismatch(`the workspace no longer is ${step.snapshotId}: ${listed(changed)}`, changed);
  }

  #note(progress: Extract<WorkflowMessage, { progress: unknown }>["progress"]): void {
    this.#parts.onMessage?.({ progress });
  }
}

/** The first few of many paths. */
function listed(paths: readonly string[]): string {
  const more = paths.length > 5 ? ` and ${paths.length - 5} more` : "";
  return `${paths.slice(0, 5).join(", ")}${more}`;
}

function versionMismatch(message: string, changed: readonly string[]): StepProblem {
  const details = changed.length === 0 ? {} : { changed: changed.slice(0, MAX_PATHS) };
  return { code: "version_mismatch", message, status: "version_mismatch", details };
}

function unexpectedEvent(step: Step, progress: RunProgress): StepProblem {
  const event = step.settledBy;
  const said = event?.status === undefined ? event?.event : `${event.event}/${event.status}`;
  const known = Object.keys(progress.flow.stages[step.stage]?.on ?? {})
    .join(", ")
    .slice(0, 1_000);
  return {
    code: "unexpected_event",
    message: `stage "${step.stage}" cannot end with "${said}"; it knows ${known}`,
    status: "unexpected_event",
  };
}
