import { posix } from "node:path";
import {
  type Artifact,
  type Command,
  type LedgerEvent,
  type Message,
  TERMINAL_EVENTS,
} from "@holdfast/ledger";
import { type Flow, flowEvents, nextTarget } from "./flow.ts";

/** Event ids kept of one attempt of a step; a receipt names no more than these. */
const MAX_STEP_EVENTS = 10_000;
/** Who writes the messages that no agent sent. */
export const ORCHESTRATOR = "orchestrator";

/** A line of a ledger, as far as the story needs it. */
export interface ProgressRecord {
  readonly seq: number;
  readonly message: Message;
}

/** One step: every command with one correlation id, and how it stands. */
export interface Step {
  /** Ordinal of the correlation id in the ledger, from 1. */
  readonly step: number;
  readonly correlationId: string;
  readonly stage: string;
  readonly agent: string;
  readonly action: string;
  readonly key: string;
  readonly snapshotId: string;
  /** How many times the stage has been entered, this one included. */
  readonly round: number;
  readonly firstSeq: number;
  /** The last command line; only the newest step keeps it. */
  command: Command | undefined;
  commandId: string;
  commandSeq: number;
  /** Command lines there are. */
  lines: number;
  /** From 0. */
  attempt: number;
  maxAttempts: number;
  /** Message ids of the events after the last command line. */
  events: string[];
  /** Artifacts after the last command line, by normal path; the last of a path counts. */
  artifacts: Map<string, Artifact>;
  /** A snapshot an agent said it saw that is not the pinned one. */
  observed: string | undefined;
  /** The last terminal event after the last command line. */
  settledBy: LedgerEvent | undefined;
  settledSeq: number | undefined;
  /** Whether the step no longer counts: gone back over, or planned again on a fresh snapshot. */
  discarded: "rewound" | "replanned" | undefined;
}

/** What the flow needs to know to decide; all of it follows from the ledger's lines. */
export class RunProgress {
  readonly flow: Flow;
  readonly terminalEvents: ReadonlySet<string>;
  readonly steps: Step[] = [];
  /** Steps made for each stage, without those that were planned again. */
  readonly rounds = new Map<string, number>();
  /** Rounds that do not count any more, since a failed run was taken up again. */
  roundsForgiven = new Map<string, number>();
  lastSeq = 0;
  lastCommandId: string | undefined;
  lastEventId: string | undefined;
  lastCommandSeq = 0;
  lastEventSeq = 0;
  readonly terminalByAgent = new Map<string, string>();
  /** How the ledger says the run ended, since it was last started or resumed. */
  ended: "completed" | "failed" | "interrupted" | undefined;
  started = false;
  /** The line at which a failed run was last taken up again. */
  reopenedAt = 0;

  constructor(flow: Flow) {
    this.flow = flow;
    this.terminalEvents = new Set([...TERMINAL_EVENTS, ...flowEvents(flow)]);
  }

  /** The step that counts now. */
  get current(): Step | undefined {
    return this.steps.findLast((step) => step.discarded === undefined);
  }

  /** Steps that count, in order. */
  get effective(): readonly Step[] {
    return this.steps.filter((step) => step.discarded === undefined);
  }

  /** Takes in the next line. Lines that change nothing (heartbeats, remarks of agents) are fine. */
  apply(record: ProgressRecord): void {
    this.lastSeq = record.seq;
    const { message } = record;
    if (message.kind === "command") this.#command(message, record.seq);
    else if (message.kind === "event") this.#event(message, record.seq);
    else if (message.kind === "log" && message.fields?.["by"] === ORCHESTRATOR)
      this.#remark(message.fields, record.seq);
  }

  /** Where a settled step leads; `undefined` while it is not settled, ended with `error`, or ended in a way its stage does not know. */
  targetOf(step: Step): string | undefined {
    if (step.settledBy === undefined || step.settledBy.event === "error") return undefined;
    return nextTarget(this.flow, step.stage, step.settledBy);
  }

  /** The stage that comes after the steps that count, and the event that leads there. */
  nextStage(): { readonly target: string | undefined; readonly cause: LedgerEvent | undefined } {
    const last = this.current;
    if (last === undefined) return { target: this.flow.start, cause: undefined };
    const { settledBy } = last;
    if (settledBy?.event === "error")
      return { target: nextTarget(this.flow, last.stage, settledBy), cause: settledBy };
    return { target: this.targetOf(last), cause: settledBy };
  }

  /** Whether trying again cannot help, because the orchestrator said so after the run was last taken up. */
  isFatal(step: Step): boolean {
    const { settledBy } = step;
    if (settledBy?.from.agent_type !== ORCHESTRATOR || settledBy.payload["fatal"] !== true) return false;
    return (step.settledSeq ?? 0) > this.reopenedAt;
  }

  #command(command: Command, seq: number): void {
    this.lastCommandId = command.message_id;
    this.lastCommandSeq = seq;
    let step = this.steps.find((one) => one.correlationId === command.correlation_id);
    if (step === undefined) {
      step = this.#newStep(command, seq);
      this.steps.push(step);
    }
    step.command = command;
    step.commandId = command.message_id;
    step.commandSeq = seq;
    step.lines += 1;
    step.attempt = command.retry.attempt;
    step.maxAttempts = command.retry.max_attempts;
    step.events = [];
    step.artifacts = new Map();
    step.observed = undefined;
    step.settledBy = undefined;
    step.settledSeq = undefined;
  }

  #newStep(command: Command, seq: number): Step {
    const last = this.current;
    let replaced: Step | undefined;
    if (last !== undefined) {
      last.command = undefined;
      if (isVersionMismatch(last) && last.attempt + 1 === command.retry.attempt) {
        last.discarded = "replanned";
        replaced = last;
      }
    }
    const stage = this.#stageFor(command, replaced);
    const round = replaced?.round ?? (this.rounds.get(stage) ?? 0) + 1;
    this.rounds.set(stage, Math.max(round, this.rounds.get(stage) ?? 0));
    return {
      step: this.steps.length + 1,
      correlationId: command.correlation_id,
      stage,
      agent: command.to.agent_type,
      action: command.action,
      key: command.idempotency_key,
      snapshotId: command.version.snapshot_id,
      round,
      firstSeq: seq,
      command,
      commandId: command.message_id,
      commandSeq: seq,
      lines: 0,
      attempt: 0,
      maxAttempts: 1,
      events: [],
      artifacts: new Map(),
      observed: undefined,
      settledBy: undefined,
      settledSeq: undefined,
      discarded: undefined,
    };
  }

  /** The flow decides the stage; a ledger that was written under another flow is still told by agent and action. */
  #stageFor(command: Command, replaced: Step | undefined): string {
    const fits = (name: string | undefined): name is string => {
      const stage = name === undefined ? undefined : this.flow.stages[name];
      return stage?.action === command.action && stage.agent === command.to.agent_type;
    };
    const planned = replaced?.stage ?? this.nextStage().target;
    if (fits(planned)) return planned;
    return Object.keys(this.flow.stages).find(fits) ?? planned ?? command.action;
  }

  #event(event: LedgerEvent, seq: number): void {
    this.lastEventId = event.message_id;
    this.lastEventSeq = seq;
    const terminal = this.terminalEvents.has(event.event);
    if (terminal) this.terminalByAgent.set(event.from.agent_type, event.message_id);
    const step = this.steps.findLast((one) => one.correlationId === event.correlation_id);
    if (step === undefined) return;
    if (step.events.length < MAX_STEP_EVENTS) step.events.push(event.message_id);
    for (const artifact of event.artifacts ?? [])
      step.artifacts.set(posix.normalize(artifact.path), artifact);
    const observed = event.observed_version?.snapshot_id;
    if (observed !== undefined && observed !== step.snapshotId) step.observed = observed;
    if (!terminal) return;
    if (!step.events.includes(event.message_id)) step.events.splice(-1, 1, event.message_id);
    step.settledBy = event;
    step.settledSeq = seq;
  }

  #remark(fields: Readonly<Record<string, unknown>>, seq: number): void {
    const to = fields["rewind_to_step"];
    if (typeof to === "number") {
      for (const step of this.steps) if (step.step >= to) step.discarded ??= "rewound";
    }
    switch (fields["run"]) {
      case "started":
        this.started = true;
        break;
      case "resumed":
        this.ended = undefined;
        if (typeof fields["more_attempts"] === "number") this.#reopen(fields["more_attempts"], seq);
        break;
      case "completed":
      case "failed":
      case "interrupted":
        this.ended = fields["run"];
        break;
      default:
    }
  }

  #reopen(moreAttempts: number, seq: number): void {
    this.reopenedAt = seq;
    this.roundsForgiven = new Map(this.rounds);
    const step = this.current;
    if (step !== undefined) step.maxAttempts = step.attempt + 1 + moreAttempts;
  }
}

/** Whether a step failed because the workspace was not the one it was made for. */
export function isVersionMismatch(step: Step): boolean {
  return step.settledBy?.event === "error" && step.settledBy.payload["code"] === "version_mismatch";
}
