import { posix } from "node:path";
import { artifactSchema, commandSchema, eventSchema } from "@holdfast/ledger";
import * as z from "zod";
import type { Flow } from "./flow.ts";
import { RunProgress, type Step } from "./progress.ts";

const seqSchema = z.int().min(0);
const countsSchema = z.array(z.tuple([z.string(), z.int()]));

const stepStateSchema = z.object({
  step: z.int().min(1),
  correlation_id: z.string(),
  stage: z.string(),
  agent: z.string(),
  action: z.string(),
  key: z.string(),
  snapshot_id: z.string(),
  round: z.int(),
  first_seq: seqSchema,
  command: commandSchema.optional(),
  command_id: z.string(),
  command_seq: seqSchema,
  lines: z.int(),
  attempt: z.int(),
  max_attempts: z.int(),
  events: z.array(z.string()).optional().describe("Absent where the step's receipt names them"),
  artifacts: z.array(artifactSchema),
  observed: z.string().optional(),
  settled_by: eventSchema.optional(),
  settled_seq: seqSchema.optional(),
  discarded: z.enum(["rewound", "replanned"]).optional(),
});

/** Where a flow stands after a line of its ledger: everything a {@link RunProgress} holds. */
export const progressStateSchema = z.object({
  steps: z.array(stepStateSchema),
  rounds: countsSchema,
  rounds_forgiven: countsSchema,
  last_seq: seqSchema,
  last_command_id: z.string().optional(),
  last_event_id: z.string().optional(),
  last_command_seq: seqSchema,
  last_event_seq: seqSchema,
  terminal_by_agent: z.array(z.tuple([z.string(), z.string()])),
  ended: z.enum(["completed", "failed", "interrupted"]).optional(),
  started: z.boolean(),
  reopened_at: seqSchema,
});
export type ProgressState = z.output<typeof progressStateSchema>;

/** @param hasReceipt - Whether a step's receipt is written: the ids of its events, which may be thousands, are left to that. */
export function stateOfProgress(progress: RunProgress, hasReceipt: (step: Step) => boolean): ProgressState {
  return {
    steps: progress.steps.map((step) => stateOfStep(step, hasReceipt(step))),
    rounds: [...progress.rounds],
    rounds_forgiven: [...progress.roundsForgiven],
    last_seq: progress.lastSeq,
    ...(progress.lastCommandId !== undefined && { last_command_id: progress.lastCommandId }),
    ...(progress.lastEventId !== undefined && { last_event_id: progress.lastEventId }),
    last_command_seq: progress.lastCommandSeq,
    last_event_seq: progress.lastEventSeq,
    terminal_by_agent: [...progress.terminalByAgent],
    ...(progress.ended !== undefined && { ended: progress.ended }),
    started: progress.started,
    reopened_at: progress.reopenedAt,
  };
}

function stateOfStep(step: Step, hasReceipt: boolean): ProgressState["steps"][number] {
  return {
    step: step.step,
    correlation_id: step.correlationId,
    stage: step.stage,
    agent: step.agent,
    action: step.action,
    key: step.key,
    snapshot_id: step.snapshotId,
    round: step.round,
    first_seq: step.firstSeq,
    ...(step.command !== undefined && { command: step.command }),
    command_id: step.commandId,
    command_seq: step.commandSeq,
    lines: step.lines,
    attempt: step.attempt,
    max_attempts: step.maxAttempts,
    ...(!hasReceipt && { events: [...step.events] }),
    artifacts: [...step.artifacts.values()],
    ...(step.observed !== undefined && { observed: step.observed }),
    ...(step.settledBy !== undefined && { settled_by: step.settledBy }),
    ...(step.settledSeq !== undefined && { settled_seq: step.settledSeq }),
    ...(step.discarded !== undefined && { discarded: step.discarded }),
  };
}

/** The progress that a state was made of; a step whose events were left out has none. */
export function progressOfState(flow: Flow, state: ProgressState): RunProgress {
  const progress = new RunProgress(flow);
  progress.steps.push(...state.steps.map((step) => stepOfState(step)));
  for (const [stage, count] of state.rounds) progress.rounds.set(stage, count);
  progress.roundsForgiven = new Map(state.rounds_forgiven);
  progress.lastSeq = state.last_seq;
  progress.lastCommandId = state.last_command_id;
  progress.lastEventId = state.last_event_id;
  progress.lastCommandSeq = state.last_command_seq;
  progress.lastEventSeq = state.last_event_seq;
  for (const [agent, id] of state.terminal_by_agent) progress.terminalByAgent.set(agent, id);
  progress.ended = state.ended;
  progress.started = state.started;
  progress.reopenedAt = state.reopened_at;
  return progress;
}

function stepOfState(state: ProgressState["steps"][number]): Step {
  return {
    step: state.step,
    correlationId: state.correlation_id,
    stage: state.stage,
    agent: state.agent,
    action: state.action,
    key: state.key,
    snapshotId: state.snapshot_id,
    round: state.round,
    firstSeq: state.first_seq,
    command: state.command,
    commandId: state.command_id,
    commandSeq: state.command_seq,
    lines: state.lines,
    attempt: state.attempt,
    maxAttempts: state.max_attempts,
    events: [...(state.events ?? [])],
    artifacts: new Map(state.artifacts.map((artifact) => [posix.normalize(artifact.path), artifact])),
    observed: state.observed,
    settledBy: state.settled_by,
    settledSeq: state.settled_seq,
    discarded: state.discarded,
  };
}
