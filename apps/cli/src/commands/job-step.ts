import {
  configureJob,
  type JobRunResult,
  type JobStepResult,
  loadAgentsConfig,
  type RunJobOptions,
  restepJob,
  runJob,
  stepJob,
} from "@holdfast/workflow";
import type { Context } from "../context.ts";
import { EXIT, exitStatusOf } from "../failure.ts";
import { personOf } from "../job-person.ts";
import { counted, formatDuration, printableLine } from "../table.ts";
import { watched } from "../watch-agents.ts";
import { keepYoungGenerationSmall } from "../young-generation.ts";
import { jobDocument, jobText, requireJob } from "./job-status.ts";

/** Options of `job step`, `job run` and `job restep`. */
export interface StepOptions {
  readonly config?: string;
  readonly reason?: string;
  readonly by?: string;
}

/** One step by the agent of the job's phase. */
export async function step(context: Context, jobId: string, options: StepOptions): Promise<number> {
  return watchSteps(context, jobId, options, async (given) => asRun(await stepJob(given)));
}

/** Step after step, until it is a person's turn. */
export async function run(context: Context, jobId: string, options: StepOptions): Promise<number> {
  return watchSteps(context, jobId, options, (given) =>
    runJob({ ...given, onStep: (one) => void context.note(stepText(one)) }),
  );
}

/** The last step once more. */
export async function restep(context: Context, jobId: string, options: StepOptions): Promise<number> {
  const { reason } = options;
  return watchSteps(context, jobId, options, async (given) =>
    asRun(await restepJob({ ...given, ...(reason === undefined ? {} : { summary: reason }) })),
  );
}

const asRun = (one: JobStepResult): JobRunResult => ({ job: one.job, end: one.end, steps: [one] });

async function watchSteps(
  context: Context,
  jobId: string,
  options: StepOptions,
  start: (given: RunJobOptions) => Promise<JobRunResult>,
): Promise<number> {
  keepYoungGenerationSmall();
  const store = context.store();
  await requireJob(store, jobId);
  if (options.config !== undefined) {
    const config = await loadAgentsConfig(options.config);
    await configureJob({ store, jobId, config, configPath: options.config });
  }
  let begun = false;
  const given = watched(context, () => {
    begun = true;
  });
  try {
    return await tell(context, await start({ ...given, jobId, by: personOf(options.by) }));
  } catch (error) {
    if (begun && exitStatusOf(error) === EXIT.failed) {
      await context.note(
        `what was acknowledged is on disk; once this is mended, holdfast job step ${jobId} goes on`,
      );
    }
    throw error;
  }
}

async function tell(context: Context, { job, end, steps }: JobRunResult): Promise<number> {
  const document = await jobDocument(context.store(), job);
  const told = steps.map(({ job: _job, ...rest }) => rest);
  const last = steps.at(-1);
  const one =
    steps.length === 1 && last !== undefined ? `${stepText(last)}\n` : `${counted(steps.length, "step")}\n`;
  await context.result({ ...document, end, steps: told }, `${one}${jobText(context, document)}`);
  if (end === "interrupted") {
    const resume = job.status === "PAUSED" ? `holdfast job resume ${job.job_id}, then ` : "";
    await context.note(`interrupted; the state is saved: ${resume}holdfast job run ${job.job_id} goes on`);
  }
  if (end === "interrupted" || end === "requested") return EXIT.interrupted;
  return job.status === "INTERVENTION_REQUIRED" ? EXIT.failed : EXIT.done;
}

function stepText(one: JobStepResult): string {
  const { end, outcome, agent = "", summary, cost, time_seconds: time } = one;
  if (end === "intervention") return "interrupted for the third time in a row: a person has to look";
  const what = outcome ?? (end === "requested" ? "stopped, as was asked" : "interrupted");
  const said = summary === undefined ? "" : `: ${printableLine(summary).slice(0, 200)}`;
  return `${printableLine(agent)} ${what} (cost ${cost}, ${formatDuration(time * 1_000)})${said}`;
}
