import { type ChainFinding, LedgerError, readLedger } from "@holdfast/ledger";
import { type Claim, type Store, StoreError, systemClock } from "@holdfast/storage";
import { listReceipts, type Receipt, RUNS_QUEUE, type RunState, runStore } from "@holdfast/task-store";
import type { TaskConfig, WorkflowConfig } from "../config/schema.ts";
import { WorkflowError } from "../errors.ts";
import { endOrphans } from "../supervisor/process-identity.ts";
import { finishedSteps, firstStale, isReceiptOf } from "./check-receipts.ts";
import { claimWorkflowRun } from "./claim-workflow-run.ts";
import { readConfigSnapshot, restoreSecrets } from "./config-snapshot.ts";
import { describeRun, loadWorkflowRun } from "./describe-run.ts";
import { loadStory } from "./kept-story.ts";
import { headOf, problemOfHead } from "./ledger-head.ts";
import type { ResumeWorkflowOptions } from "./options.ts";
import type { WorkflowResult } from "./result.ts";
import { Session } from "./session.ts";
import { workToEnd } from "./work-to-end.ts";

/** The result of a run that is over, as it was told when it ended; nothing is sent. */
async function finishedResult(store: Store, state: RunState): Promise<WorkflowResult | undefined> {
  const decided = state.status === "failed" && state.error?.code === "WORKFLOW_FLOW_FAILED";
  if (state.status !== "completed" && !decided) return undefined;
  const { steps } = await describeRun(store, state.run_id);
  const common = { run_id: state.run_id, task_id: state.task_id ?? "", steps, commands_sent: 0 };
  if (state.status === "completed") return { ...common, status: "completed" };
  const { code = "WORKFLOW_FLOW_FAILED", message = "" } = state.error ?? {};
  return {
    ...common,
    status: "failed",
    error: { code, message },
    hint: "The flow decided so; a new run begins again",
  };
}

function taskOf(config: WorkflowConfig, state: RunState, place: string): TaskConfig {
  const task = config.tasks.find((one) => one.id === state.task_id);
  if (task !== undefined) return task;
  const message = `Cannot resume "${state.run_id}": its configuration in "${place}" has no task "${state.task_id ?? ""}"`;
  throw new WorkflowError("WORKFLOW_RUN_DAMAGED", message, { path: place });
}

/**
 * Goes on with a run after a crash, an interruption or a failure, from its last durable point.
 *
 * The ledger is read again, from the last line whose story was kept; agents that a dead orchestrator left behind are ended. A step with a terminal event and a receipt that
 * still agrees with the files is not sent again; a command without a terminal event is sent again with the same key and correlation
 * id. When a finished step's files were changed since, the run goes back to that step. A failed run gets as many attempts again as
 * the policy gives. A run that is completed, or that its flow ended as failed, returns its result at once and nothing is sent.
 *
 * @param runId - A run of the store.
 * @param options - See {@link ResumeWorkflowOptions}. The configuration is the one the run was started with.
 * @throws {WorkflowError} `WORKFLOW_RUN_MISSING`, `WORKFLOW_RUN_KIND`, `WORKFLOW_RUN_HELD` (with who holds it), `WORKFLOW_RUN_DAMAGED`,
 * `WORKFLOW_SECRET_MISSING`; and errors of the store, the ledger and the snapshot, as `runWorkflow`.
 */
export async function resumeWorkflow(runId: string, options: ResumeWorkflowOptions): Promise<WorkflowResult> {
  const { store } = options;
  const before = await finishedResult(store, await loadWorkflowRun(store, runId));
  if (before !== undefined) return before;
  const claim = await claimToResume(store, runId);
  if (claim === undefined) return endedMeanwhile(store, runId);
  return workToEnd(store, claim, () => openToResume(runId, claim, options));
}

/** `undefined`: the run is settled as done. */
async function claimToResume(store: Store, runId: string): Promise<Claim | undefined> {
  let claim = await claimWorkflowRun(store, runId);
  // Known to no queue: its folder was copied here without its lock.
  if (claim === undefined && (await store.work.offer(RUNS_QUEUE, runId, {})))
    claim = await claimWorkflowRun(store, runId);
  // A lock that begins anew counts from one; the ledger was written under larger numbers.
  const written = claim?.token === 1 ? await lastFence(store, runId) : 0;
  while (claim !== undefined && claim.token < written) {
    await store.work.settle(claim, "ready");
    claim = await claimWorkflowRun(store, runId);
  }
  return claim;
}

/** The fence of a ledger's last line; 0 where it says none. */
async function lastFence(store: Store, runId: string): Promise<number> {
  try {
    const from = await store.logs.head(`runs/${runId}/ledger`);
    for await (const { fence } of readLedger(store, runId).replay({ from: Math.max(1, from) }))
      return fence ?? 0;
  } catch (error) {
    // Damage is told when the ledger is opened.
    if (!(error instanceof LedgerError || error instanceof StoreError)) throw error;
  }
  return 0;
}

/** A run is settled as done after its state says completed. */
async function endedMeanwhile(store: Store, runId: string): Promise<WorkflowResult> {
  const state = await loadWorkflowRun(store, runId);
  const result = await finishedResult(store, state);
  if (result !== undefined) return result;
  const path = store.locate({ document: `runs/${runId}/run` });
  const message = `Cannot resume "${runId}": it was completed, but its state "${path}" says ${state.status}: it was changed; run holdfast verify ${runId}`;
  throw new WorkflowError("WORKFLOW_RUN_DAMAGED", message, { path });
}

async function openToResume(
  runId: string,
  claim: Claim,
  options: ResumeWorkflowOptions,
): Promise<{ session: Session; begin: () => Promise<void> }> {
  const { store } = options;
  // Read again: whoever held the run until now may have taken it further.
  const state = await loadWorkflowRun(store, runId);
  const place = store.locate({ document: `runs/${runId}/run` });
  const kept = readConfigSnapshot(state.config_snapshot, place);
  const configPath = options.configPath ?? kept.configPath;
  const config = await restoreSecrets(kept.config, { runId, configPath, env: options.env ?? process.env });
  const task = taskOf(config, state, place);
  const session = await Session.open({
    runId,
    config,
    configPath,
    task,
    claim,
    options,
    loadStory: async (ledger) => {
      const receipts = await listReceipts(store, runId, { taskId: task.id });
      return loadStory(store, runId, { config, ledger, receipts });
    },
  });
  return { session, begin: () => beginAgain(session, state, options) };
}

async function beginAgain(session: Session, state: RunState, options: ResumeWorkflowOptions): Promise<void> {
  const { runId, store, progress, transcript, orchestrator, claim, log } = session;
  await verifyLedger(session, state);
  await replay(session);
  options.onMessage?.({ progress: { kind: "run", run_id: runId, task_id: session.task.id, resumed: true } });
  const ended = await endOrphans([...session.story.processes.values()], {
    runId,
    ...(options.graceMs === undefined ? {} : { graceMs: options.graceMs }),
  });
  const receipts = await receiptsOf(session);
  const clock = options.clock ?? systemClock;
  await runStore(store, { clock }).resume(runId, { fence: claim });
  await log.remark("info", resumeText(session, ended.length), {
    run: "resumed",
    attempt: state.attempts + 1,
    ...(progress.ended === "failed" || state.status === "failed"
      ? { more_attempts: session.config.policy.retry.max_attempts }
      : {}),
    ...(ended.length === 0 ? {} : { ended_process_groups: ended }),
  });
  await settleReceipts(session, receipts);
  await orchestrator.saveState();
  await transcript.flush();
}

function resumeText(session: Session, ended: number): string {
  const step = session.progress.current;
  const orphans = ended === 0 ? "" : `; ${ended} agents left behind were ended`;
  if (step === undefined) return `Run ${session.runId} is resumed before its first step${orphans}`;
  const state =
    step.settledBy === undefined ? "how it ended is unknown" : `ended with ${step.settledBy.event}`;
  return `Run ${session.runId} is resumed at step ${step.step} (${step.action}, ${state})${orphans}`;
}

/**
 * Refuses a ledger that was changed, as far as it is read: from the last line whose story was kept. What `run.json` names was in the ledger, durably, before it was named: when it is not there now,
 * lines were cut off, which the chain alone cannot tell.
 */
async function verifyLedger(session: Session, state: RunState): Promise<void> {
  const finding = await chainFinding(session, state);
  const head = finding === undefined ? await problemOfHead(session.ledger, state) : undefined;
  const first = finding ?? head;
  if (first === undefined) return;
  const position = "position" in first ? first.position : first.seq;
  const place = session.store.locate({ log: `runs/${session.runId}/ledger`, position });
  const message = `Cannot resume "${session.runId}": its ledger was changed at "${place}" (${first.kind}): ${first.message}; run holdfast verify ${session.runId}`;
  throw new WorkflowError("WORKFLOW_RUN_DAMAGED", message, { path: place });
}

/** What is wrong with the chain, first of all; a part of it that does not fit what is known has the whole ledger read. */
async function chainFinding(session: Session, state: RunState): Promise<ChainFinding | undefined> {
  const { ledger, known } = session;
  const named = [state.last_command_id, state.last_event_id].filter((id) => id !== undefined);
  if (known !== undefined) {
    const { progress } = known.story;
    // What the state names stood in the ledger by its head, which is looked at on its own.
    const isBefore = (headOf(state)?.seq ?? known.seq + 1) <= known.seq;
    const expectedMessageIds = isBefore
      ? []
      : named.filter((id) => id !== progress.lastCommandId && id !== progress.lastEventId);
    const report = await ledger.verifyChain({ after: known, expectedMessageIds, maxFindings: 1 });
    if (report.ok) return undefined;
  }
  const report = await ledger.verifyChain({ expectedMessageIds: named, maxFindings: 1 });
  return report.findings[0];
}

/** Takes in the ledger, from the last line whose story was kept. */
async function replay(session: Session): Promise<void> {
  const { ledger, story, transcript, known } = session;
  for await (const record of ledger.replay({ from: (known?.seq ?? 0) + 1 })) {
    story.apply(record);
    transcript.tell(record, story.progress);
    if (transcript.isFull) await transcript.flush();
  }
}

async function receiptsOf(session: Session): Promise<Map<number, Receipt>> {
  const { store, runId, task, progress, receipts } = session;
  const found = new Map<number, Receipt>();
  for (const receipt of await listReceipts(store, runId, { taskId: task.id })) {
    const step = progress.steps.find((one) => isReceiptOf(receipt, one));
    if (step === undefined) continue;
    found.set(step.step, receipt);
    receipts.add(step.step);
  }
  return found;
}

/** Goes back to the first finished step whose files changed; writes receipts that are missing for steps that were gone on from. */
async function settleReceipts(session: Session, receipts: Map<number, Receipt>): Promise<void> {
  const { progress, log, proof, workspace } = session;
  const stale = await firstStale(progress, receipts, workspace);
  if (stale !== undefined) {
    const { step, paths } = stale;
    const shown = paths.slice(0, 5).join(", ");
    await log.remark(
      "warn",
      `Run goes back to step ${step.step} (${step.action}): its receipt no longer agrees with ${shown}`,
      {
        rewind_to_step: step.step,
        paths: paths.slice(0, 20),
      },
    );
  }
  for (const step of finishedSteps(progress)) {
    if (session.receipts.has(step.step) || step === progress.current) continue;
    const problem = await proof.problemOfArtifacts(step);
    if (problem === undefined) await proof.writeReceipt(step);
    else {
      await log.remark(
        "warn",
        `Run goes back to step ${step.step} (${step.action}): its receipt is missing, and ${problem.message}`,
        { rewind_to_step: step.step },
      );
      return;
    }
  }
}
