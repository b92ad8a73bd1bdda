import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Command, LedgerEvent } from "@holdfast/ledger";
import { memoryStore, type Store } from "@holdfast/storage";
import { type JobManifest, jobStore } from "@holdfast/task-store";
import {
  type AgentSupervisor,
  createJob,
  type JobRunResult,
  type JobSteering,
  type JobStepResult,
  loadAgentsConfig,
  type Outcome,
  restepJob,
  runJob,
  type SteerJobOptions,
  type StepJobOptions,
  type SupervisorOptions,
  steerJob,
  stepJob,
  type WorkflowConfig,
} from "../src/index.ts";

/** How an agent of a job ends a command. */
export interface JobAnswer {
  /** Default: `builder.completed` or `review.completed`. */
  readonly event?: string;
  readonly status?: string;
  readonly payload?: Record<string, unknown>;
}

export type AnswerJob = (command: Command, signal: AbortSignal | undefined) => JobAnswer | Promise<JobAnswer>;

export const JOB = "J-1";
const POLICY =
  "{ max_rounds: 4, retry: { max_attempts: 2, backoff: { initial_ms: 0, max_ms: 0, jitter: none } } }";

const close = (): Promise<void> => Promise.resolve();

/** A job, its workspace and its agents, in this process. */
export class JobWorld implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), "holdfast-job-"));
  readonly workspace = join(this.folder, "work");
  readonly configPath = join(this.folder, "flow.yaml");
  store: Store = memoryStore();
  /** Commands that agents got. */
  readonly sent: Command[] = [];
  answer: AnswerJob;
  #ids = 0;
  #now = 1_767_323_045_000_000n;

  constructor(answer: AnswerJob = () => ({}), rest = "tasks: []") {
    this.answer = answer;
    mkdirSync(join(this.workspace, "src"), { recursive: true });
    writeFileSync(join(this.workspace, "src", "old.mjs"), "old\n");
    writeFileSync(
      this.configPath,
      `{ name: jobs, workspace: work, policy: ${POLICY}, agents: { builder: { cmd: [x] }, reviewer: { cmd: [x] }, architect: { cmd: [x] } }, ${rest} }`,
    );
  }

  config(): Promise<WorkflowConfig> {
    return loadAgentsConfig(this.configPath, { env: {} });
  }

  get jobs() {
    return jobStore(this.store);
  }

  /** Time goes on by a second at each look. */
  get common(): Omit<StepJobOptions, "store"> {
    return {
      jobId: JOB,
      by: "ann",
      newId: () => `id-${(this.#ids += 1)}`,
      clock: () => (this.#now += 1_000n),
      random: () => 0.5,
      env: {},
      createSupervisor: (options) => this.#supervisor(options),
    };
  }

  async create(given: Partial<Parameters<typeof createJob>[0]> = {}): Promise<JobManifest> {
    const { store, configPath } = this;
    const config = given.config ?? (await this.config());
    const job = { store, config, configPath, jobId: JOB, description: "make a", by: "ann", env: {} };
    return createJob({ ...job, ...given });
  }

  async activated(given: Partial<Parameters<typeof createJob>[0]> = {}): Promise<JobManifest> {
    await this.create(given);
    return this.steer("activate");
  }

  step(given: Partial<StepJobOptions> = {}): Promise<JobStepResult> {
    return stepJob({ store: this.store, ...this.common, ...given });
  }

  restep(given: Partial<StepJobOptions> & { summary?: string } = {}): Promise<JobStepResult> {
    return restepJob({ store: this.store, ...this.common, ...given });
  }

  run(given: Partial<StepJobOptions> = {}): Promise<JobRunResult> {
    return runJob({ store: this.store, ...this.common, ...given });
  }

  steer(action: JobSteering, given: Partial<SteerJobOptions> = {}): Promise<JobManifest> {
    return steerJob({ store: this.store, jobId: JOB, action, by: "ann", ...given });
  }

  async job(): Promise<JobManifest> {
    const job = await this.jobs.load(JOB);
    if (job === undefined) throw new Error("no job");
    return job;
  }

  /** What happened, as `ACTION->STATUS`. */
  async story(): Promise<string[]> {
    return (await this.job()).history.map(({ action = "created", status }) => `${action}->${status}`);
  }

  /** Everything that the store says of the job, to the byte. */
  async stored(): Promise<string> {
    return JSON.stringify(await this.store.documents.get(`jobs/${JOB}/job_manifest`));
  }

  #supervisor(options: SupervisorOptions): AgentSupervisor {
    const execute = async (
      agent: string,
      command: Command,
      { signal }: { signal?: AbortSignal } = {},
    ): Promise<Outcome> => {
      this.sent.push(command);
      const said = await this.answer(command, signal);
      if (signal?.aborted === true)
        return { kind: "failed", reason: "aborted", code: "AGENT_ABORTED", message: "aborted", fatal: true };
      const event: LedgerEvent = {
        kind: "event",
        message_id: `event-${(this.#ids += 1)}`,
        correlation_id: command.correlation_id,
        task_id: command.task_id,
        from: { agent_type: agent },
        event: said.event ?? (command.action === "review" ? "review.completed" : "builder.completed"),
        ...(said.status === undefined ? {} : { status: said.status }),
        payload: said.payload ?? {},
        occurred_at: "2026-01-02T03:04:05.000000Z",
      };
      await options.record(event);
      return { kind: "terminal", event };
    };
    return { execute, close, [Symbol.asyncDispose]: close };
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
