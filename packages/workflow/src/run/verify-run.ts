import { join, posix } from "node:path";
import type { Store } from "@holdfast/storage";
import { listReceipts, type Receipt, type ReceiptFinding, RUNS_QUEUE } from "@holdfast/task-store";
import { nextMove } from "../flow/next-move.ts";
import type { Step } from "../flow/progress.ts";
import { isRecord, messageOf, textOf } from "../unknown-value.ts";
import { checkChain, checkKey } from "./check-chain.ts";
import { isReceiptOf, isWriting, wrongArtifacts } from "./check-receipts.ts";
import { readConfigSnapshot } from "./config-snapshot.ts";
import { configFor, loadWorkflowRun, type ToldRun, toldRun } from "./describe-run.ts";
import { supersededPaths } from "./later-runs.ts";
import type { RunFinding } from "./run-finding.ts";
import { RunStory } from "./run-story.ts";
import { snapshotFindings } from "./verify-snapshots.ts";

/** Options of {@link verifyRun}. */
export interface VerifyRunOptions {
  /** Folder to check artifacts in, instead of the run's workspace; `null` checks no artifacts. */
  readonly workspace?: string | null;
  /** Whether the contents of snapshots are read and verified; default true. */
  readonly contents?: boolean;
  readonly signal?: AbortSignal;
}

/**
 * Checks everything a workflow run claims: the ledger's chain and its end, every key computed again, receipts against ledger and
 * files, the run state against the ledger, snapshots and their contents, and what is in doubt. Nothing is changed, and damage is a
 * finding, never an error.
 *
 * @returns Findings; none with severity `error` means that every promise holds.
 * @throws {WorkflowError} `WORKFLOW_RUN_MISSING`, `WORKFLOW_RUN_KIND`.
 */
export async function verifyRun(
  store: Store,
  runId: string,
  options: VerifyRunOptions = {},
): Promise<RunFinding[]> {
  const state = await loadWorkflowRun(store, runId);
  const keys: RunFinding[] = [];
  const snapshots = new Map<string, number>();
  const unnamed = new Map(Object.entries(state.terminal_events).map(([agent, id]) => [id, agent]));
  let folded: RunStory | undefined;
  let unusable: unknown;
  try {
    folded = new RunStory(configFor(store, state));
  } catch (error) {
    unusable = error;
  }
  // One pass: what is wrong with the lines, and what they say.
  const { findings, isReadable } = await checkChain(store, state, {
    signal: options.signal,
    onRecord: (record) => {
      folded?.apply(record);
      if (record.message.kind === "event") unnamed.delete(record.message.message_id);
      if (record.message.kind !== "command") return;
      keys.push(...checkKey(store, runId, record, record.message));
      if (!snapshots.has(record.message.version.snapshot_id))
        snapshots.set(record.message.version.snapshot_id, record.seq);
    },
  });
  if (folded !== undefined && !isReadable) return findings; // and the line is among them
  let story: ToldRun;
  try {
    if (folded === undefined) throw unusable;
    story = toldRun(state, folded, await listReceipts(store, runId));
  } catch (error) {
    findings.push(unreadable(store, runId, error));
    return findings;
  }
  findings.push(...keys, ...receiptFindings(store, story), ...stateFindings(store, story, unnamed));
  if (options.workspace !== null) findings.push(...(await artifactFindings(store, story, options.workspace)));
  findings.push(...(await snapshotFindings(store, runId, snapshots, options)));
  findings.push(...(await doubtFindings(store, story)));
  return findings;
}

function unreadable(store: Store, runId: string, error: unknown): RunFinding {
  const path = isRecord(error) ? textOf(error["path"]) : undefined;
  return {
    severity: "error",
    kind: "unreadable",
    place: path ?? store.locate({ document: `runs/${runId}/run` }),
    message: messageOf(error),
    meaning: "A record of the run cannot be read, so the rest could not be checked.",
  };
}

const receiptKey = (runId: string, receipt: Pick<Receipt, "task_id" | "step">): string =>
  `runs/${runId}/receipts/${receipt.task_id}/step-${receipt.step}`;

function sameArtifacts(receipt: Receipt, step: Step): boolean {
  if (receipt.artifacts.length !== step.artifacts.size) return false;
  return receipt.artifacts.every((artifact) => {
    const said = step.artifacts.get(artifact.path);
    return said?.sha256 === artifact.sha256 && said.size === artifact.size;
  });
}

function receiptFindings(store: Store, story: ToldRun): RunFinding[] {
  const { state, progress, receipts, strayReceipts } = story;
  const findings: RunFinding[] = [];
  const add = (severity: RunFinding["severity"], key: string, message: string, meaning: string): void => {
    findings.push({ severity, kind: "receipt", place: store.locate({ document: key }), message, meaning });
  };
  for (const receipt of strayReceipts) {
    const near = progress.steps.find((step) => step.step === receipt.step);
    const why =
      near === undefined || isReceiptOf(receipt, near)
        ? "the ledger has no such step"
        : "its key or correlation id is not the step's";
    add(
      "error",
      receiptKey(state.run_id, receipt),
      `receipt of step ${receipt.step}: ${why}`,
      "The receipt proves nothing: it was changed, or the ledger was.",
    );
  }
  for (const step of progress.steps) {
    const receipt = receipts.get(step.step);
    const key = receiptKey(state.run_id, { task_id: state.task_id ?? "", step: step.step });
    if (receipt === undefined) {
      const due = progress.targetOf(step) !== undefined && step.discarded === undefined;
      if (!due || (step === progress.current && state.status !== "completed")) continue;
      add(
        "error",
        key,
        `step ${step.step} ended with ${step.settledBy?.event ?? "nothing"}, and its receipt is missing`,
        "The proof of a finished step was removed; holdfast resume writes it again while the run is not completed.",
      );
    } else if (!tellsStep(receipt, step)) {
      add(
        "error",
        key,
        `receipt of step ${step.step} does not say what the ledger says`,
        "The receipt was changed after it was written.",
      );
    }
  }
  return findings;
}

async function artifactFindings(
  store: Store,
  story: ToldRun,
  folder: string | undefined,
): Promise<RunFinding[]> {
  const { state, progress, receipts } = story;
  const { config } = readConfigSnapshot(state.config_snapshot, state.run_id);
  const workspace = folder ?? config.workspace;
  const writing = state.status !== "completed" && isWriting(progress);
  let wrong: readonly ReceiptFinding[];
  try {
    wrong = await wrongArtifacts(progress, receipts, workspace);
  } catch (error) {
    return [unreadable(store, state.run_id, error)];
  }
  const superseded = await supersededPaths(store, state, wrong);
  return wrong.map((finding) => {
    const place = join(workspace, finding.path);
    const later = superseded.get(posix.normalize(finding.path));
    if (later !== undefined) {
      return {
        severity: "info",
        kind: "artifact",
        place,
        message: `made again by step ${later.step} of ${later.runId}, after step ${finding.step} of this run`,
        meaning: "Only the newest receipt of a file counts; it is checked with that run.",
      };
    }
    return {
      severity: writing ? "warning" : "error",
      kind: "artifact",
      place,
      message: `${finding.message}; receipt "${store.locate({ document: receiptKey(state.run_id, { task_id: finding.taskId, step: finding.step }) })}"`,
      meaning: writing
        ? "The file was changed after the receipt; the step that is under way may have done it."
        : "The file was changed or removed after the step was done; a resume would do the step again.",
    };
  });
}

/** Whether a receipt says what the ledger says of its step, apart from when it was written. */
function tellsStep(receipt: Receipt, step: Step): boolean {
  // More events may have come after the receipt was written.
  const events = new Set(step.events);
  return (
    sameArtifacts(receipt, step) &&
    receipt.action === step.action &&
    receipt.snapshot_id === step.snapshotId &&
    receipt.command_message_id === step.commandId &&
    receipt.events.every((id) => events.has(id))
  );
}

/** @param unnamed - Terminal events that the state names and the ledger does not have, with the agent each is said to be of. */
function stateFindings(store: Store, story: ToldRun, unnamed: ReadonlyMap<string, string>): RunFinding[] {
  const { state, progress, receipts } = story;
  const { config } = readConfigSnapshot(state.config_snapshot, state.run_id);
  const move = nextMove(progress, {
    maxRounds: config.policy.max_rounds,
    hasReceipt: (step) => receipts.has(step.step),
  });
  const place = store.locate({ document: `runs/${state.run_id}/run` });
  const finding = (message: string, meaning: string): RunFinding => ({
    severity: "error",
    kind: "state",
    place,
    message,
    meaning,
  });
  if (state.status === "completed" && (move.kind !== "complete" || progress.ended !== "completed")) {
    return [
      finding(
        `the run is said to be completed, but its ledger does not say that it ended so`,
        "The state was changed by hand, or the ledger lost lines.",
      ),
    ];
  }
  if (state.status === "failed" && move.kind !== "fail") {
    return [
      finding(
        `the run is said to have failed, but its ledger stands at "${move.kind}"`,
        "The state was changed by hand, or the ledger lost lines.",
      ),
    ];
  }
  // A crash leaves a state that knows less than its ledger, never one that knows other things.
  const wrong = contradictions(story);
  for (const [id, agent] of unnamed)
    wrong.push(
      `the last word of agent "${agent}" is said to be event "${id}", which the ledger does not have`,
    );
  return wrong.map((message) => finding(message, "The state was changed by hand, or the ledger was."));
}

/** What a state says of itself or of its ledger that cannot be. */
function contradictions({ state, progress }: ToldRun): string[] {
  const wrong: string[] = [];
  if (state.status === "running" && state.completed_at !== undefined)
    wrong.push(`the run is said to be running, and to have ended at ${state.completed_at}`);
  if (state.status === "aborted" && progress.ended === "completed")
    wrong.push("the run is said to be aborted, but its ledger says that it was completed");
  if (state.status === "completed" && state.current_stage !== "complete")
    wrong.push(`the run is said to be completed, and to be at the stage "${state.current_stage ?? ""}"`);
  return wrong;
}

async function doubtFindings(store: Store, story: ToldRun): Promise<RunFinding[]> {
  const { state, progress } = story;
  const step = progress.current;
  if (step === undefined || step.settledBy !== undefined) return [];
  const holder = await store.work.holder(RUNS_QUEUE, state.run_id);
  const place = store.locate({ log: `runs/${state.run_id}/ledger`, position: step.commandSeq });
  if (holder !== undefined) {
    const message = `step ${step.step} (${step.action} by ${step.agent}) is under way`;
    return [
      {
        severity: "info",
        kind: "in_doubt",
        place,
        line: step.commandSeq,
        message,
        meaning: `Process ${holder.pid ?? "unknown"} works on the run.`,
      },
    ];
  }
  return [
    {
      severity: "warning",
      kind: "in_doubt",
      place,
      line: step.commandSeq,
      message: `step ${step.step} (${step.action} by ${step.agent}) is in doubt: it was sent, and how it ended is unknown`,
      meaning: `holdfast resume ${state.run_id} sends it again under the same key ${step.key}.`,
    },
  ];
}
