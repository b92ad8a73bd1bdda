import { idempotencyKey } from "@holdfast/idempotency";
import { type Command, encodeMessage, LedgerError } from "@holdfast/ledger";
import { formatTimestamp, parseTimestamp } from "@holdfast/storage";
import type { TaskConfig, WorkflowConfig } from "../config/schema.ts";
import { WorkflowError } from "../errors.ts";
import { ACTIONS_WITHOUT_OUTPUTS, type Flow } from "../flow/flow.ts";
import type { Move } from "../flow/next-move.ts";
import type { Redactor } from "../supervisor/redactor.ts";

const DEFAULT_TIMEOUT_S = 3_600;

/** Milliseconds that an action of an agent may take. */
export function timeoutOf(config: WorkflowConfig, agent: string, action: string): number {
  const timeouts = config.agents[agent]?.timeouts_s ?? {};
  const seconds = Object.hasOwn(timeouts, action) ? timeouts[action] : undefined;
  return Math.round((seconds ?? DEFAULT_TIMEOUT_S) * 1_000);
}

/** What a command is made of. */
export interface PlanInputs {
  readonly config: WorkflowConfig;
  readonly flow: Flow;
  readonly task: TaskConfig;
  readonly redactor: Redactor;
  readonly snapshotId: string;
  /** Microseconds since 1970. */
  readonly now: bigint;
  readonly newId: () => string;
}

type Plan = Extract<Move, { kind: "plan" }>;

/**
 * Makes the command of a new step. Secrets are replaced before the key is computed, so that the key can be computed again from the
 * ledger. A feedback that would make the command too long is replaced by the id of the event it stands in.
 *
 * @throws {WorkflowError} `WORKFLOW_COMMAND_TOO_LARGE` when the task alone is too long.
 */
export function planCommand(plan: Plan, made: PlanInputs): Command {
  const feedback = plan.feedback;
  if (feedback === undefined || Object.keys(feedback).length === 0) return build(plan, made, undefined);
  try {
    return build(plan, made, feedback);
  } catch (error) {
    if (!(error instanceof WorkflowError) || error.code !== "WORKFLOW_COMMAND_TOO_LARGE") throw error;
    return build(plan, made, { too_large: true, event_message_id: plan.feedbackFrom ?? "" });
  }
}

function build(
  plan: Plan,
  made: PlanInputs,
  feedback: Readonly<Record<string, unknown>> | undefined,
): Command {
  const { config, task, redactor, snapshotId } = made;
  const stage = made.flow.stages[plan.stage];
  if (stage === undefined) throw new TypeError(`No stage "${plan.stage}"`);
  const { action, agent } = stage;
  const inputs = redactor.value({
    goal: task.goal,
    ...task.inputs,
    ...(feedback === undefined ? {} : { feedback }),
    round: firstRound(task) + plan.round - 1,
  });
  const outputs = ACTIONS_WITHOUT_OUTPUTS.has(action) ? [] : redactor.value(task.expected_outputs);
  const expectedOutputs: Command["expected_outputs"] = outputs.map(({ path, description, required }) =>
    description === undefined ? { path, required } : { path, description, required },
  );
  const command: Command = {
    kind: "command",
    message_id: made.newId(),
    correlation_id: made.newId(),
    task_id: task.id,
    idempotency_key: idempotencyKey({
      action,
      task_id: task.id,
      snapshot_id: snapshotId,
      inputs,
      expected_outputs: expectedOutputs,
    }),
    to: { agent_type: agent },
    action,
    inputs,
    expected_outputs: expectedOutputs,
    version: { snapshot_id: snapshotId },
    deadline: deadline(made.now, timeoutOf(config, agent, action)),
    retry: { attempt: plan.attempt, max_attempts: plan.maxAttempts ?? config.policy.retry.max_attempts },
    priority: 0,
  };
  checkSize(command, config.policy.message_max_bytes);
  return command;
}

/** The steps of a job are runs of their own, and count their rounds over all of them: their task says where this run begins. */
function firstRound(task: TaskConfig): number {
  const { round } = task.inputs;
  return typeof round === "number" ? round : 1;
}

function deadline(now: bigint, timeoutMs: number): string {
  return formatTimestamp(now + BigInt(timeoutMs) * 1_000n);
}

/** When a command was written, RFC 3339: its deadline without the time its action may take. */
export function sentAt(config: WorkflowConfig, command: Command): string {
  const timeoutMs = timeoutOf(config, command.to.agent_type, command.action);
  return formatTimestamp(parseTimestamp(command.deadline) - BigInt(timeoutMs) * 1_000n);
}

function checkSize(command: Command, maxBytes: number): void {
  try {
    encodeMessage(command, { maxBytes });
  } catch (error) {
    if (!(error instanceof LedgerError) || error.code !== "LEDGER_MESSAGE_TOO_LARGE") throw error;
    const message = `Cannot ask ${command.to.agent_type} to ${command.action}: the command is longer than ${maxBytes} bytes; put long inputs of task "${command.task_id}" into files`;
    throw new WorkflowError("WORKFLOW_COMMAND_TOO_LARGE", message, { path: command.task_id, cause: error });
  }
}

/** The same command once more, as a new line: same correlation and key, a new message id and deadline. */
export function repeatCommand(
  command: Command,
  retry: { readonly attempt: number; readonly maxAttempts: number },
  made: { readonly config: WorkflowConfig; readonly now: bigint; readonly newId: () => string },
): Command {
  return {
    ...command,
    message_id: made.newId(),
    deadline: deadline(made.now, timeoutOf(made.config, command.to.agent_type, command.action)),
    retry: { ...command.retry, attempt: retry.attempt, max_attempts: retry.maxAttempts },
  };
}

/** Milliseconds to wait before an attempt (1 is the first repetition). */
export function backoffMs(policy: WorkflowConfig["policy"], attempt: number, random: () => number): number {
  const { initial_ms: initial, multiplier, max_ms: max, jitter } = policy.retry.backoff;
  const wait = Math.min(max, initial * multiplier ** (attempt - 1));
  return Math.round(jitter === "full" ? wait * random() : wait);
}
