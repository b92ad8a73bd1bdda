import type { FileStore, Holder } from "@holdfast/storage";
import {
  currentStateAndRole,
  type JobHistoryEntry,
  type JobManifest,
  type JobStatus,
  jobIdSchema,
  jobStatusSchema,
  jobStore,
} from "@holdfast/task-store";
import { isStepBegun } from "@holdfast/workflow";
import type { Context } from "../context.ts";
import { CommandError, EXIT, exitStatusOf } from "../failure.ts";
import { formatDuration, printableLine, table } from "../table.ts";

const SHOWN_LENGTH = 100;
/** A state that is not here waits for somebody. */
const COLOURS: Partial<Record<JobStatus, "green" | "red" | "cyan">> = {
  SUCCESS: "green",
  INTERVENTION_REQUIRED: "red",
  CANCELED: "red",
  RUNNING: "cyan",
  REVIEWING: "cyan",
};

/** A job, or the error that says how to find the right id. */
export async function requireJob(store: FileStore, jobId: string): Promise<JobManifest> {
  const job = jobIdSchema.safeParse(jobId).success ? await jobStore(store).load(jobId) : undefined;
  if (job !== undefined) return job;
  throw new CommandError(
    "JOB_NOT_FOUND",
    `Cannot find job "${jobId}": the store "${store.root}" has none of that name; holdfast job list lists them`,
    EXIT.notFound,
  );
}

/** Lists jobs. */
export async function list(context: Context, options: { readonly status?: string }): Promise<number> {
  const wanted = options.status === undefined ? undefined : statusNamed(options.status);
  const store = context.store();
  let worst: number = EXIT.done;
  const rows: string[][] = [];
  const jobs = jobStore(store).list({
    ...(wanted === undefined ? {} : { status: wanted }),
    onDamaged: (jobId, error) => {
      worst = exitStatusOf(error);
      void context.warn(`job ${jobId} is left out: ${error.message}`);
    },
  });
  for await (const job of jobs) {
    if (context.json) {
      if (!(await context.item(await jobDocument(store, job), ""))) break;
      continue;
    }
    const { cumulative_cost: cost, cumulative_time_seconds: time } = job.metrics;
    rows.push([
      job.job_id,
      colouredStatus(context, job.status),
      printableLine(job.current_phase),
      String(cost),
      formatDuration(time * 1_000),
      shortened(job.description),
    ]);
  }
  if (rows.length > 0)
    await context.out.write(table([["JOB", "STATUS", "PHASE", "COST", "TIME", "DESCRIPTION"], ...rows]));
  else if (!context.json) await context.note(`no jobs in ${context.root}`);
  return worst;
}

function statusNamed(text: string): JobStatus {
  const parsed = jobStatusSchema.safeParse(text.toUpperCase());
  if (parsed.success) return parsed.data;
  const known = jobStatusSchema.options.join(", ");
  throw new CommandError("USAGE", `--status takes one of ${known}, not "${text}"`, EXIT.usage);
}

/** Where a job stands. */
export async function status(context: Context, jobId: string): Promise<undefined> {
  const store = context.store();
  await tellJob(context, store, await requireJob(store, jobId));
  return undefined;
}

/** Everything that happened to a job. */
export async function history(context: Context, jobId: string): Promise<undefined> {
  const job = await requireJob(context.store(), jobId);
  if (context.json) {
    for (const entry of job.history) if (!(await context.item(entry, ""))) break;
    return undefined;
  }
  const rows = job.history.map((entry) => [
    entry.timestamp.slice(0, 19).replace("T", " "),
    printableLine(entry.phase),
    printableLine(entry.action ?? "created") + (entry.taken_back === true ? " (taken back)" : ""),
    entry.status,
    printableLine(entry.agent ?? ""),
    entry.cost === undefined ? "" : String(entry.cost),
    entry.time_seconds === undefined ? "" : formatDuration(entry.time_seconds * 1_000),
    entry.run_id ?? "",
    shortened(entry.summary ?? ""),
  ]);
  const head = ["TIME (UTC)", "PHASE", "ACTION", "STATUS", "BY", "COST", "TIME", "RUN", "SUMMARY"];
  await context.out.write(table([head, ...rows]));
  return undefined;
}

/** What is told of a job, as a document. */
export interface JobDocument {
  readonly job_id: string;
  readonly description: string;
  readonly status: JobStatus;
  readonly current_phase: string;
  readonly phases: JobManifest["phases"];
  /** Whose turn it is: `worker`, `supervisor` or `person`. */
  readonly role?: string;
  readonly agent?: string;
  readonly attempt: number;
  readonly allowed: readonly string[];
  /** A step was begun, and nobody works on it any more: the next step recovers it. */
  readonly interrupted: boolean;
  readonly metrics: JobManifest["metrics"];
  readonly holder?: Holder;
  readonly last: JobHistoryEntry | undefined;
  readonly revision: number;
  /** Commands that may be given now. */
  readonly next: readonly string[];
}

/** Tells a job, as its manifest and its lock say. */
export async function jobDocument(store: FileStore, job: JobManifest): Promise<JobDocument> {
  const { role, agent, attempt, allowed } = currentStateAndRole(job);
  const holder = await jobStore(store).holder(job.job_id);
  const interrupted = holder === undefined && isStepBegun(job);
  return {
    job_id: job.job_id,
    description: job.description,
    status: job.status,
    current_phase: job.current_phase,
    phases: job.phases,
    ...(role === undefined ? {} : { role }),
    ...(agent === undefined ? {} : { agent }),
    attempt,
    allowed,
    interrupted,
    metrics: job.metrics,
    ...(holder === undefined ? {} : { holder }),
    last: job.history.at(-1),
    revision: job.revision,
    next: nextCommands(job, allowed, holder),
  };
}

/** What agents answer is not for a person to type; what the agent's turn is, is a step. */
function nextCommands(job: JobManifest, allowed: readonly string[], holder: Holder | undefined): string[] {
  const steering = allowed.filter((action) => action !== "start" && action === action.toLowerCase());
  // Of a job that is worked on, only these can be asked for.
  if (holder !== undefined)
    return steering.filter((action) => ["pause", "suspend", "cancel"].includes(action));
  const steps = allowed.includes("start") || allowed.includes("COMPLETED") ? ["step", "run"] : [];
  const last = job.history.at(-1)?.action ?? "";
  const again = ["COMPLETED", "STUCK", "RETRY"].includes(last) ? ["restep"] : [];
  return [...steps, ...again, ...steering];
}

/** Prints where a job stands. */
export async function tellJob(context: Context, store: FileStore, job: JobManifest): Promise<void> {
  const document = await jobDocument(store, job);
  await context.result(document, jobText(context, document));
}

/** Where a job stands, for a person. */
export function jobText(context: Context, document: JobDocument): string {
  const { metrics, holder, last, role, agent } = document;
  const turn = agent === undefined ? (role ?? "nobody") : `${role ?? ""} ${printableLine(agent)}`;
  const rows = [
    ["phase", `${printableLine(document.current_phase)}, attempt ${document.attempt}; turn of: ${turn}`],
    ["cost", `${metrics.cumulative_cost}, time ${formatDuration(metrics.cumulative_time_seconds * 1_000)}`],
    ...(last === undefined ? [] : [["last", lastText(last)]]),
    ...(holder === undefined
      ? []
      : [["held by", `pid ${holder.pid ?? "?"} on ${holder.host ?? "?"} since ${holder.since ?? "?"}`]]),
    ...(document.interrupted
      ? [["note", "its step was interrupted; the next one recovers it and goes on from there"]]
      : []),
    ["allowed", document.allowed.join(", ")],
    ...(document.next.length === 0
      ? []
      : [["next", `holdfast job ${document.next.join("|")} ${document.job_id}`]]),
  ];
  const head = `${context.style("bold", document.job_id)}  ${colouredStatus(context, document.status)}  ${shortened(document.description)}\n`;
  return `${head}${table(rows, { indent: "  " })}`;
}

function lastText(entry: JobHistoryEntry): string {
  const by = entry.agent === undefined ? "" : ` by ${printableLine(entry.agent)}`;
  const summary = entry.summary === undefined ? "" : `: ${shortened(entry.summary)}`;
  return `${printableLine(entry.action ?? "created")}${by} at ${entry.timestamp.slice(0, 19)}Z${summary}`;
}

function shortened(text: string): string {
  const line = printableLine(text);
  return line.length > SHOWN_LENGTH ? `${line.slice(0, SHOWN_LENGTH - 1)}…` : line;
}

function colouredStatus(context: Context, word: JobStatus): string {
  return context.style(COLOURS[word] ?? "yellow", word);
}
