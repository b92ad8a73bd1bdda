import { type LedgerRecord, readLedger } from "@holdfast/ledger";
import type { Holder, Store } from "@holdfast/storage";
import { listReceipts, type Receipt, RUNS_QUEUE, type RunState, runStore } from "@holdfast/task-store";
import type { WorkflowConfig } from "../config/schema.ts";
import { WorkflowError } from "../errors.ts";
import type { RunProgress } from "../flow/progress.ts";
import { isReceiptOf } from "./check-receipts.ts";
import { readConfigSnapshot } from "./config-snapshot.ts";
import { describeSteps } from "./describe-steps.ts";
import { loadStory } from "./kept-story.ts";
import type { StepDescription } from "./result.ts";
import { RunStory } from "./run-story.ts";

/** Everything that can be said about a run without changing it. */
export interface RunDescription {
  readonly state: RunState;
  readonly steps: readonly StepDescription[];
  /** Steps that were sent and whose end is unknown; resuming sends them again under the same key. */
  readonly in_doubt: readonly StepDescription[];
  /** Steps that are not done and not in doubt: to be checked, or to be tried again. */
  readonly pending: readonly StepDescription[];
  /** Who works on it now. */
  readonly holder?: Holder;
  /** Lines of the ledger. */
  readonly ledger_lines: number;
  /** Seconds that steps took, from command to end, all attempts included. */
  readonly time_seconds: number;
}

/** The story of a run, read from its ledger. */
export interface ToldRun {
  readonly state: RunState;
  readonly progress: RunProgress;
  readonly receipts: ReadonlyMap<number, Receipt>;
  /** Receipts that fit no step. */
  readonly strayReceipts: readonly Receipt[];
  /** When each step's first command was written, RFC 3339. */
  readonly startedAt: ReadonlyMap<number, string>;
}

/**
 * Loads the state of a workflow run.
 *
 * @throws {WorkflowError} `WORKFLOW_RUN_MISSING`, `WORKFLOW_RUN_KIND`.
 */
export async function loadWorkflowRun(store: Store, runId: string): Promise<RunState> {
  const state = await runStore(store).load(runId);
  if (state === undefined) {
    const message = `Cannot find run "${runId}": the store has none of that name; holdfast runs lists them`;
    throw new WorkflowError("WORKFLOW_RUN_MISSING", message, { path: runId });
  }
  if (state.kind === "workflow") return state;
  throw new WorkflowError(
    "WORKFLOW_RUN_KIND",
    `Cannot use run "${runId}": it is a ${state.kind}, not a workflow`,
    { path: runId },
  );
}

/**
 * Reads a run's ledger and receipts: from the last line whose story was kept, or from the start where each record is asked for. Memory
 * grows with its steps, not with its messages.
 */
export async function readStory(
  store: Store,
  state: RunState,
  onRecord?: (record: LedgerRecord, progress: RunProgress) => void,
): Promise<ToldRun> {
  const config = configFor(store, state);
  const ledger = readLedger(store, state.run_id);
  const receipts = await listReceipts(store, state.run_id);
  const known =
    onRecord === undefined ? await loadStory(store, state.run_id, { config, ledger, receipts }) : undefined;
  const story = known?.story ?? new RunStory(config);
  for await (const record of ledger.replay({ from: (known?.seq ?? 0) + 1 })) {
    story.apply(record);
    onRecord?.(record, story.progress);
  }
  return toldRun(state, story, receipts);
}

/** The configuration that a run was started with. */
export function configFor(store: Store, state: RunState): WorkflowConfig {
  const place = store.locate({ document: `runs/${state.run_id}/run` });
  return readConfigSnapshot(state.config_snapshot, place).config;
}

/** A story with the receipts that belong to it. */
export function toldRun(state: RunState, story: RunStory, receipts: readonly Receipt[]): ToldRun {
  const { progress, startedAt } = story;
  const fitting = new Map<number, Receipt>();
  const strayReceipts: Receipt[] = [];
  for (const receipt of receipts) {
    const step = progress.steps.find((one) => isReceiptOf(receipt, one));
    if (step === undefined) strayReceipts.push(receipt);
    else fitting.set(step.step, receipt);
  }
  return { state, progress, receipts: fitting, strayReceipts, startedAt };
}

/**
 * Tells where a run stands, from its state, its ledger and its receipts. Nothing is changed; a run that is being worked on can be described.
 *
 * @throws {WorkflowError} `WORKFLOW_RUN_MISSING`, `WORKFLOW_RUN_KIND`, `WORKFLOW_RUN_DAMAGED`.
 * @throws {LedgerError} `LEDGER_DAMAGED` at the first line that cannot be read.
 */
export async function describeRun(store: Store, runId: string): Promise<RunDescription> {
  const state = await loadWorkflowRun(store, runId);
  const holder = await store.work.holder(RUNS_QUEUE, runId);
  const { progress, receipts, startedAt } = await readStory(store, state);
  const steps = describeSteps(progress, {
    runId,
    taskId: state.task_id ?? "",
    hasReceipt: (step) => receipts.has(step.step),
    failed: state.status === "failed",
    startedAt,
  });
  return {
    state,
    steps,
    in_doubt: steps.filter((step) => step.status === "in_doubt"),
    pending: steps.filter((step) => step.status === "pending"),
    ...(holder === undefined ? {} : { holder }),
    ledger_lines: progress.lastSeq,
    time_seconds: steps.reduce((sum, step) => sum + (step.time_seconds ?? 0), 0),
  };
}
