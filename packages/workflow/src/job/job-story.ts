import type { JobHistoryEntry, JobManifest } from "@holdfast/task-store";

/** What a step's agent is to the job. */
export type AgentRole = "worker" | "supervisor";

/** A step that was begun without a move of its own, after a `resume` or an `advance`: kept in the manifest. */
interface UnderWay {
  readonly run_id: string;
  /** Entries there were in the history when it began. */
  readonly entries: number;
}

const ANSWERS: readonly (string | undefined)[] = ["COMPLETED", "STUCK", "RETRY", "advance"];
/** After these a step is made anew, in a run of its own. */
const ANEW: readonly (string | undefined)[] = ["reject", "rerun", "restep"];
/** What somebody said for whoever works next. */
const TOLD: readonly (string | undefined)[] = [...ANSWERS, ...ANEW, "resubmit", "review"];
const MAX_FEEDBACK = 20;

const isAnswer = (entry: JobHistoryEntry): boolean =>
  entry.run_id !== undefined && ANSWERS.includes(entry.action);

function underWayOf(job: JobManifest): UnderWay | undefined {
  const { under_way: kept } = job;
  if (typeof kept !== "object" || kept === null) return undefined;
  if (!("run_id" in kept) || !("entries" in kept)) return undefined;
  const { run_id: runId, entries } = kept;
  return typeof runId === "string" && typeof entries === "number" ? { run_id: runId, entries } : undefined;
}

/** In whose part of the job something happened. */
function roleOf(entry: JobHistoryEntry): AgentRole | undefined {
  const status = entry.action === "start" ? entry.status : entry.from;
  if (status === "RUNNING") return "worker";
  return status === "REVIEWING" ? "supervisor" : undefined;
}

/** Whether a step was begun and has not come to an end: somebody is at it, or was when it died. */
export function isStepBegun(job: JobManifest): boolean {
  if (job.status !== "RUNNING" && job.status !== "REVIEWING") return false;
  const last = job.history.at(-1)?.action;
  const fresh = last === "resume" || last === "advance";
  return !fresh || underWayOf(job)?.entries === job.history.length;
}

/** The run of a step that was interrupted and is to be gone on with, rather than paid for again; `undefined` when the next step is a new one. */
export function openRun(job: JobManifest, role: AgentRole): string | undefined {
  const underWay = underWayOf(job);
  for (let at = job.history.length; at >= 0; at -= 1) {
    if (underWay?.entries === at && role === "worker" && !isAnswered(job, underWay.run_id))
      return underWay.run_id;
    const entry = job.history[at - 1];
    if (entry === undefined || ANEW.includes(entry.action) || isAnswer(entry)) return undefined;
    if (entry.run_id === undefined) continue;
    const fits = roleOf(entry) === role && entry.phase === job.current_phase;
    return fits && !isAnswered(job, entry.run_id) ? entry.run_id : undefined;
  }
  return undefined;
}

function isAnswered(job: JobManifest, runId: string): boolean {
  return job.history.some((entry) => entry.run_id === runId && isAnswer(entry));
}

/** What of a run's cost the history has already. */
export function countedCost(job: JobManifest, runId: string): number {
  return job.history.reduce((sum, entry) => sum + (entry.run_id === runId ? (entry.cost ?? 0) : 0), 0);
}

/** How many times the phase has been worked on in a role, with the step that begins now. */
export function roundOf(job: JobManifest, role: AgentRole): number {
  const runs = new Set(
    job.history
      .filter((entry) => entry.phase === job.current_phase && roleOf(entry) === role)
      .map((entry) => entry.run_id),
  );
  runs.delete(undefined);
  return runs.size + 1;
}

/** How many of the last answers in the phase were RETRY, one after the other, with nothing said by a person in between. */
export function retriesInARow(job: JobManifest): number {
  let count = 0;
  for (const entry of job.history.toReversed()) {
    if (entry.phase !== job.current_phase) return count;
    if (entry.action === "RETRY") {
      if (entry.run_id !== undefined) count += 1;
    } else if (entry.action !== "start" && entry.action !== "recover") return count;
  }
  return count;
}

/** What was said since the role last began a step, oldest first: why it is asked again. */
export function feedbackOf(job: JobManifest, role: AgentRole): readonly Record<string, string>[] {
  const found: Record<string, string>[] = [];
  for (const entry of job.history.toReversed()) {
    if (entry.action === "start" && roleOf(entry) === role && isAnswered(job, entry.run_id ?? "")) break;
    if (found.length === MAX_FEEDBACK) break;
    if (entry.summary === undefined || entry.action === undefined || !TOLD.includes(entry.action)) continue;
    const { action, phase, agent, summary } = entry;
    found.push({ action, phase, ...(agent === undefined ? {} : { agent }), summary });
  }
  return found.toReversed();
}
