import type { WorkflowConfig } from "../config/schema.ts";

/** Where a stage leads: another stage, or an end. */
export type FlowTarget = string;

/** One stage: who does what, and where each way of ending leads. */
export interface FlowStage {
  readonly agent: string;
  readonly action: string;
  /** Targets by `event/status` or `event`; the first is looked up before the second. */
  readonly on: Readonly<Record<string, FlowTarget>>;
  /** What run states call the stage; its own name when absent. */
  readonly label?: string;
}

/** A workflow's stages. The default loop and a configured flow are both values of this type. */
export interface Flow {
  readonly start: string;
  readonly stages: Readonly<Record<string, FlowStage>>;
}

/** The target that ends a run well. */
export const DONE = "done";
/** The target that ends a run as failed. */
export const FAILED = "failed";

/** Actions that read the workspace and must find it as it was pinned. */
export const READ_ONLY_ACTIONS: ReadonlySet<string> = new Set(["review"]);

/** Actions whose commands do not carry the task's expected outputs. */
export const ACTIONS_WITHOUT_OUTPUTS: ReadonlySet<string> = new Set([
  "review",
  "update_spec",
  "intake",
  "task_discovery",
]);

/** Actions that every agent may be given a timeout for. */
export const KNOWN_ACTIONS: readonly string[] = [
  "implement",
  "implement_changes",
  "review",
  "update_spec",
  "intake",
  "task_discovery",
];

const FAILED_BUILD: Readonly<Record<string, FlowTarget>> = {
  "builder.completed/failed": FAILED,
  "builder.completed/failure": FAILED,
};

/**
 * The loop a workflow without a `flow` follows: implement, review (changes requested: implement_changes, review again), spec
 * maintenance (changes requested: implement_changes, review, again), done. Stages of agents that are not there are left out.
 *
 * @param agents - Names of the agents there are: `builder` is needed, `reviewer` and `spec_maintainer` are not.
 * @returns `undefined` without a builder.
 */
export function defaultFlow(agents: ReadonlySet<string>): Flow | undefined {
  if (!agents.has("builder")) return undefined;
  const reviewed = agents.has("spec_maintainer") ? "spec_maintain" : DONE;
  const built = agents.has("reviewer") ? "review" : reviewed;
  const stages: Record<string, FlowStage> = {
    implement: { agent: "builder", action: "implement", on: { ...FAILED_BUILD, "builder.completed": built } },
  };
  if (built !== DONE) {
    stages["implement_changes"] = {
      agent: "builder",
      action: "implement_changes",
      label: "implement",
      on: { ...FAILED_BUILD, "builder.completed": built },
    };
  }
  if (agents.has("reviewer")) {
    stages["review"] = {
      agent: "reviewer",
      action: "review",
      on: {
        "review.completed/approved": reviewed,
        "review.completed/changes_requested": "implement_changes",
      },
    };
  }
  if (agents.has("spec_maintainer")) {
    stages["spec_maintain"] = {
      agent: "spec_maintainer",
      action: "update_spec",
      on: {
        "spec.updated": DONE,
        "spec.no_changes_needed": DONE,
        "spec.changes_requested": "implement_changes",
      },
    };
  }
  return { start: "implement", stages };
}

/**
 * The flow of a configuration: its own, or the default loop.
 *
 * @throws {TypeError} When there is neither a flow nor an agent named `builder`; a validated configuration has one of them.
 */
export function flowOf(config: Pick<WorkflowConfig, "flow" | "agents">): Flow {
  const flow = config.flow ?? defaultFlow(new Set(Object.keys(config.agents)));
  if (flow === undefined) throw new TypeError('A workflow without a flow needs an agent named "builder"');
  return flow;
}

/** What of an event decides where a flow goes. */
export interface FlowEvent {
  readonly event: string;
  readonly status?: string | undefined;
}

/**
 * Where an event leads from a stage: `event/status` is looked up first, then `event`.
 *
 * @returns A stage, `done` or `failed`; `undefined` when the stage does not know the event.
 */
export function nextTarget(flow: Flow, stage: string, event: FlowEvent): FlowTarget | undefined {
  const on = flow.stages[stage]?.on;
  if (on === undefined) return undefined;
  const exact = event.status === undefined ? undefined : `${event.event}/${event.status}`;
  if (exact !== undefined && Object.hasOwn(on, exact)) return on[exact];
  return Object.hasOwn(on, event.event) ? on[event.event] : undefined;
}

/** Events, without their status, that a flow's stages name: they end a command, besides those that always do. */
export function flowEvents(flow: Flow): ReadonlySet<string> {
  const events = new Set<string>();
  for (const stage of Object.values(flow.stages)) {
    for (const key of Object.keys(stage.on)) events.add(key.split("/", 1)[0] ?? key);
  }
  return events;
}
