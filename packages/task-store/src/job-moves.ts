import { addDecimal } from "./add-decimal.ts";
import { definedFields } from "./defined-fields.ts";
import type { JobHistoryEntry, JobManifest, JobStatus } from "./job.ts";
import { nextPhase, phaseAfter } from "./job-phases.ts";
import { jobTransition } from "./job-transitions.ts";
import type { JobEventOptions } from "./jobs.ts";

/** How many recoveries in a row make a job ask for a person. */
const MAX_RECOVERIES = 3;

/** What comes of an action; `undefined` when the state does not allow it. */
export function moved(
  job: JobManifest,
  action: string,
  options: JobEventOptions,
  now: string,
): JobManifest | undefined {
  const transition = jobTransition(job.status, action);
  if (transition === undefined) return undefined;
  const { to } = transition;
  return happened(job, { action, status: to, phase: phaseAfter(job, action, to), options, now });
}

/** What comes of going on to the next phase; `undefined` when there is none. */
export function advanced(job: JobManifest, options: JobEventOptions, now: string): JobManifest | undefined {
  const phase = nextPhase(job)?.name;
  if (phase === undefined) return undefined;
  return happened(job, { action: "advance", status: job.status, phase, options, now });
}

/** What comes of taking the last step back; `undefined` when the last thing that happened was no answer of an agent. */
export function takenBack(job: JobManifest, options: JobEventOptions, now: string): JobManifest | undefined {
  const last = job.history.at(-1);
  const answered = last?.action !== undefined && ["COMPLETED", "STUCK", "RETRY"].includes(last.action);
  if (!answered || last.taken_back === true || last.status !== job.status) return undefined;
  const begin = job.history.findLastIndex(({ action }) => action === "start");
  const start = job.history[begin];
  if (start?.from === undefined || !job.phases.some(({ name }) => name === start.phase)) return undefined;
  const history = job.history.map((entry, index) => (index < begin ? entry : { ...entry, taken_back: true }));
  return happened(
    { ...job, history },
    { action: "restep", status: start.from, phase: start.phase, options, now },
  );
}

/** What comes of the death of whoever worked on a job; `undefined` when nobody did. */
export function recovered(job: JobManifest, options: JobEventOptions, now: string): JobManifest | undefined {
  if (job.status !== "RUNNING" && job.status !== "REVIEWING") return undefined;
  const times = recoveriesInARow(job.history) + 1;
  const again: JobStatus = job.status === "RUNNING" ? "PENDING" : "REVIEW_REQUIRED";
  const status = times >= MAX_RECOVERIES ? "INTERVENTION_REQUIRED" : again;
  const summary = `left ${job.status} by a holder that is gone; ${times === 1 ? "first time" : `${times} times`} in a row`;
  const phase = phaseAfter(job, "recover", status);
  return happened(job, { action: "recover", status, phase, options: { summary, ...options }, now });
}

/** Counted back to the last thing that somebody did, other than starting again. */
function recoveriesInARow(history: readonly JobHistoryEntry[]): number {
  const others = history.filter(({ action }) => action !== "start");
  const before = others.findLastIndex(({ action }) => action !== "recover");
  return others.length - 1 - before;
}

interface Happening {
  readonly action: string;
  readonly status: JobStatus;
  /** The phase afterwards. */
  readonly phase: string;
  readonly options: JobEventOptions;
  readonly now: string;
}

function happened(job: JobManifest, { action, status, phase, options, now }: Happening): JobManifest {
  const { by, summary, cost, timeSeconds, runId, evidence } = options;
  const entry: JobHistoryEntry = definedFields({
    timestamp: now,
    phase: job.current_phase,
    from: job.status,
    action,
    status,
    agent: by,
    summary,
    cost,
    time_seconds: timeSeconds,
    run_id: runId,
    evidence: evidence === undefined ? undefined : [...evidence],
  });
  const { metrics } = job;
  return {
    ...job,
    status,
    current_phase: phase,
    metrics: {
      ...metrics,
      cumulative_cost: total(metrics.cumulative_cost, cost),
      cumulative_time_seconds: total(metrics.cumulative_time_seconds, timeSeconds),
    },
    history: [...job.history, entry],
  };
}

// What is no amount is refused with the manifest, and named by its place there.
function total(sum: number, amount: number | undefined): number {
  return amount === undefined || !Number.isFinite(amount) ? sum : addDecimal(sum, amount);
}
