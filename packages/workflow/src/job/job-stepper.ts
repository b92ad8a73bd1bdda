import { type Claim, type Clock, type Store, systemClock } from "@holdfast/storage";
import {
  currentStateAndRole,
  type JobManifest,
  type JobStore,
  jobTransition,
  nextPhase,
  type RunStatus,
  runStore,
  workflowRunId,
} from "@holdfast/task-store";
import type { WorkflowConfig } from "../config/schema.ts";
import type { WorkflowResult } from "../run/result.ts";
import { resumeWorkflow } from "../run/resume-workflow.ts";
import { requireWorkspace, runWorkflow } from "../run/run-workflow.ts";
import { redactorFor } from "../run/session.ts";
import { codeOf, messageOf } from "../unknown-value.ts";
import { costOfRun, readAnswer, type StepAnswer } from "./answer.ts";
import { type JobConfig, readJobConfig } from "./job-config.ts";
import { type JobRequest, type RequestWatch, watchRequests } from "./job-request.ts";
import { type AgentRole, countedCost, isStepBegun, openRun, retriesInARow } from "./job-story.ts";
import { stepConfig } from "./step-config.ts";
import type { JobStepResult, StepJobOptions } from "./step-job.ts";

/** A step that is about to be made. */
interface Plan {
  readonly role: AgentRole;
  readonly agent: string;
  readonly phase: string;
  readonly runId: string;
  /** Status of the run, when it is there already and is gone on with. */
  readonly before: RunStatus | undefined;
  readonly kept: JobConfig;
  readonly config: WorkflowConfig;
}

/** What the run of a step came to. */
interface Worked {
  readonly status: WorkflowResult["status"];
  readonly cost: number;
  readonly timeSeconds: number;
}

/** Makes steps of one job for as long as it is held. */
export class JobStepper {
  readonly #jobs: JobStore;
  readonly #claim: Claim;
  readonly #options: StepJobOptions;
  readonly #store: Store;
  readonly #clock: Clock;

  constructor(jobs: JobStore, claim: Claim, options: StepJobOptions) {
    this.#jobs = jobs;
    this.#claim = claim;
    this.#options = options;
    this.#store = options.store;
    this.#clock = options.clock ?? systemClock;
  }

  /** Makes one step; see `stepJob`. */
  async step(): Promise<JobStepResult> {
    let job = await this.#jobs.update(this.#claim.id, {}, { fence: this.#claim });
    if (isStepBegun(job)) {
      job = await this.#jobs.recover(job, { fence: this.#claim });
      if (job.status === "INTERVENTION_REQUIRED")
        return { job, end: "intervention", cost: 0, time_seconds: 0 };
    }
    // Of a job that was resumed or went on to its next phase the step is not started: it is RUNNING.
    const started = job.status !== "RUNNING";
    // Refused by the table, with what it allows.
    if (started && jobTransition(job.status, "start") === undefined) {
      await this.#jobs.transition(job, "start", { fence: this.#claim, expected: job.revision });
    }
    const plan = await this.#plan(job);
    const { agent, runId } = plan;
    job = started
      ? await this.#jobs.transition(job, "start", { by: agent, runId, fence: this.#claim })
      : await this.#jobs.update(
          job,
          { under_way: { run_id: runId, entries: job.history.length } },
          { fence: this.#claim },
        );
    const watch = watchRequests(this.#store, this.#claim, job, this.#options.signal);
    let worked: Worked;
    try {
      worked = await this.#work(job, plan, watch);
    } finally {
      // From here on a request stays where it is until somebody looks for it again.
      await watch[Symbol.asyncDispose]();
    }
    if (worked.status === "aborted") return this.#stopped(job, plan, worked, watch.request);
    return this.#answered(job, plan, worked, watch.request);
  }

  /** Everything a step needs, before anything is written: what is missing leaves the job as it was. */
  async #plan(job: JobManifest): Promise<Plan> {
    const { agent = "", attempt, phase } = currentStateAndRole(job);
    const role = job.status === "REVIEW_REQUIRED" ? "supervisor" : "worker";
    const env = this.#options.env ?? process.env;
    const kept = await readJobConfig(this.#store, job.job_id, { env });
    const config = stepConfig(job, kept, { role, agent, attempt });
    requireWorkspace(config.workspace, kept.configPath);
    redactorFor(config, env);
    const open = openRun(job, role);
    // A process that died between naming a run and making it left nothing to go on with.
    const before = open === undefined ? undefined : await runStore(this.#store).load(open);
    const runId = before?.run_id ?? workflowRunId({ clock: this.#clock });
    return { role, agent, phase, runId, before: before?.status, kept, config };
  }

  async #work(job: JobManifest, plan: Plan, watch: RequestWatch): Promise<Worked> {
    const { runId } = plan;
    const begun = this.#clock();
    const timeSeconds = (): number => Math.max(0, Number(this.#clock() - begun) / 1e6);
    try {
      const status = await this.#runStatus(plan, watch.signal);
      const cost = (await costOfRun(this.#store, runId)) - countedCost(job, runId);
      // Sums of decimal amounts, without what binary fractions add.
      return { status, cost: Math.max(0, Math.round(cost * 1e9) / 1e9), timeSeconds: timeSeconds() };
    } catch (error) {
      await this.#giveBack(job, error, timeSeconds());
      throw error;
    }
  }

  /** Brings the run to an end, or to a stop. One that failed already has its answer: it is not given more attempts. */
  async #runStatus(plan: Plan, signal: AbortSignal): Promise<Worked["status"]> {
    if (plan.before === "failed") return "failed";
    const { jobId: _jobId, by: _by, ...options } = this.#options;
    const { runId, config, kept } = plan;
    const configPath = kept.configPath === undefined ? {} : { configPath: kept.configPath };
    const given = { ...options, ...configPath, signal };
    const result =
      plan.before === undefined
        ? await runWorkflow({ ...given, config, runId })
        : await resumeWorkflow(runId, given);
    return result.status;
  }

  /** The step could not be made: the job stands as before it, unless the store takes nothing any more. Then the next step recovers it. */
  async #giveBack(job: JobManifest, error: unknown, timeSeconds: number): Promise<void> {
    const summary = `${codeOf(error) ?? "error"}: ${messageOf(error)}`.slice(0, 1_000).toWellFormed();
    try {
      // Without a run: the run has no answer, and is gone on with.
      await this.#jobs.transition(job, "RETRY", {
        by: "holdfast",
        summary,
        timeSeconds,
        fence: this.#claim,
        expected: job.revision,
      });
    } catch {
      // The error that is on its way says more.
    }
  }

  async #answered(
    job: JobManifest,
    plan: Plan,
    worked: Worked,
    request: JobRequest | undefined,
  ): Promise<JobStepResult> {
    const { agent, runId, config } = plan;
    const answer = limited(await readAnswer(this.#store, runId), job, config.policy.max_rounds);
    const { outcome, summary, evidence } = answer;
    const said = {
      by: agent,
      runId,
      cost: worked.cost,
      timeSeconds: worked.timeSeconds,
      fence: this.#claim,
      ...(summary === undefined ? {} : { summary }),
      ...(evidence.length === 0 ? {} : { evidence }),
    };
    let moved =
      outcome === "COMPLETED" && nextPhase(job) !== undefined
        ? await this.#jobs.advance(job, said)
        : await this.#jobs.transition(job, outcome, said);
    // Asked for while the answer was on its way: the answer counts, and then the wish.
    if (request !== undefined) moved = (await this.obey(moved, request)) ?? moved;
    return {
      job: moved,
      end: request === undefined ? "answered" : "requested",
      run_id: runId,
      phase: plan.phase,
      agent,
      outcome,
      ...(summary === undefined ? {} : { summary }),
      cost: worked.cost,
      time_seconds: worked.timeSeconds,
    };
  }

  /** Does what another process asked for; `undefined` when the state does not allow it any more. */
  async obey(
    job: JobManifest,
    request: JobRequest,
    said: { readonly runId?: string; readonly cost?: number; readonly timeSeconds?: number } = {},
  ): Promise<JobManifest | undefined> {
    if (jobTransition(job.status, request.action) === undefined) return undefined;
    const { action, by, summary } = request;
    return this.#jobs.transition(job, action, {
      ...said,
      fence: this.#claim,
      ...(by === undefined ? {} : { by }),
      ...(summary === undefined ? {} : { summary }),
    });
  }

  async #stopped(
    job: JobManifest,
    plan: Plan,
    worked: Worked,
    request: JobRequest | undefined,
  ): Promise<JobStepResult> {
    const { runId, phase, agent, kept } = plan;
    const { cost, timeSeconds } = worked;
    const about = { run_id: runId, phase, agent };
    const asked =
      request === undefined ? undefined : await this.obey(job, request, { runId, cost, timeSeconds });
    if (asked !== undefined) {
      return { job: asked, end: "requested", ...about, cost, time_seconds: timeSeconds };
    }
    const { by, env = process.env } = this.#options;
    const said = {
      summary: "interrupted",
      timeSeconds,
      fence: this.#claim,
      ...(by === undefined ? {} : { by: redactorFor(kept.config, env).text(by) }),
    };
    // A review knows no pause: it is asked for again, and its run, which has no answer, is gone on with. Its cost is counted then.
    const [moved, counted] =
      job.status === "RUNNING"
        ? [await this.#jobs.transition(job, "pause", { ...said, runId, cost }), cost]
        : [await this.#jobs.transition(job, "RETRY", said), 0];
    return { job: moved, end: "interrupted", ...about, cost: counted, time_seconds: timeSeconds };
  }
}

/** An agent that only ever asks for another try is stuck. */
function limited(answer: StepAnswer, job: JobManifest, maxRounds: number): StepAnswer {
  if (answer.outcome !== "RETRY" || retriesInARow(job) + 1 < maxRounds) return answer;
  const last = answer.summary === undefined ? "" : `; the last time: ${answer.summary}`;
  const summary = `asked to try again ${maxRounds} times in a row, which is policy.max_rounds${last}`;
  return { outcome: "STUCK", summary, evidence: answer.evidence };
}
