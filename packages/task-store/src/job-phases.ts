import type { JobAction, JobManifest, JobPhase, JobStatus } from "./job.ts";
import { allowedActions, type JobRole } from "./job-transitions.ts";

type AgentRole = Exclude<JobRole, "person">;

interface Position {
  readonly status: JobStatus;
  /** Name of the current phase. */
  readonly phase: string;
  /** 1, and one more for each `rerun`. */
  readonly attempt: number;
  /** The actions that the state allows. */
  readonly allowed: readonly JobAction[];
}

/** A job that waits for an agent, or is in its hands. */
export interface AgentsTurn extends Position {
  /** In PENDING and RUNNING the worker, in REVIEW_REQUIRED and REVIEWING the supervisor. */
  readonly role: "worker" | "supervisor";
  /** Name of the phase's agent. */
  readonly agent: string;
}

/** A job that waits for a person; or, at an end, for nobody. */
export interface PersonsTurn extends Position {
  readonly role: "person" | undefined;
  readonly agent: undefined;
}

/** Where a job stands, and who is to do what about it. */
export type JobPosition = AgentsTurn | PersonsTurn;

const ROLES: Readonly<Record<JobStatus, JobRole | undefined>> = {
  DRAFT: "person",
  PENDING: "worker",
  RUNNING: "worker",
  PAUSED: "person",
  REVIEW_REQUIRED: "supervisor",
  REVIEWING: "supervisor",
  APPROVAL_REQUIRED: "person",
  INTERVENTION_REQUIRED: "person",
  SUSPENDED: "person",
  SUCCESS: undefined,
  CANCELED: undefined,
};

/** Where a job stands, and who is to do what about it. Looks at the manifest alone. */
export function currentStateAndRole(job: JobManifest): JobPosition {
  const role = ROLES[job.status];
  const position = {
    status: job.status,
    phase: job.current_phase,
    attempt: 1 + job.history.filter(({ action }) => action === "rerun").length,
    allowed: allowedActions(job.status),
  };
  if (role !== "worker" && role !== "supervisor") return { ...position, role, agent: undefined };
  const phase = job.phases.find(({ name }) => name === job.current_phase);
  return { ...position, role, agent: phase?.active_agent ?? "" };
}

/**
 * The phase that follows the current one while the job is RUNNING; `undefined` when the worker's phases are done, or the job is not RUNNING:
 * then COMPLETED ends the worker's part.
 */
export function nextPhase(job: JobManifest): JobPhase | undefined {
  if (job.status !== "RUNNING") return undefined;
  const phases = phasesOf(job, "worker");
  const at = phases.findIndex(({ name }) => name === job.current_phase);
  return at === -1 ? undefined : phases[at + 1];
}

/** The phase a job is in after a move: kept when it belongs to who is to act next, otherwise the first of those that do. */
export function phaseAfter(job: JobManifest, action: string, to: JobStatus): string {
  const role = ROLES[to];
  if (role !== "worker" && role !== "supervisor") return job.current_phase;
  const phases = phasesOf(job, role);
  const first = phases[0]?.name ?? job.current_phase;
  if (action === "reject" || action === "rerun") return first;
  return phases.some(({ name }) => name === job.current_phase) ? job.current_phase : first;
}

/** The last of several phases is the supervisor's, those before it the worker's; one phase alone is both's. */
function phasesOf({ phases }: JobManifest, role: AgentRole): readonly JobPhase[] {
  if (phases.length === 1) return phases;
  return role === "worker" ? phases.slice(0, -1) : phases.slice(-1);
}
