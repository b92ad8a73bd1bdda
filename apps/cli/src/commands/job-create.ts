import { type JobPhase, jobIdSchema } from "@holdfast/task-store";
import { createJob, loadAgentsConfig } from "@holdfast/workflow";
import type { Context } from "../context.ts";
import { CommandError, EXIT } from "../failure.ts";
import { personOf } from "../job-person.ts";
import { tellJob } from "./job-status.ts";

/** Options of `job create`. */
export interface CreateOptions {
  readonly description?: string;
  readonly config?: string;
  readonly task?: string;
  readonly id?: string;
  readonly workspace?: string;
  readonly worker?: string;
  readonly supervisor?: string;
  readonly phase?: readonly JobPhase[];
  readonly by?: string;
}

/** Makes a job. */
export async function create(context: Context, options: CreateOptions): Promise<undefined> {
  const { config: path, id, phase: phases, by, ...rest } = options;
  checkUsage(options);
  const config = path === undefined ? undefined : await loadAgentsConfig(path);
  const store = context.store();
  const job = await createJob({
    ...rest,
    store,
    by: personOf(by),
    ...(id === undefined ? {} : { jobId: id }),
    ...(phases === undefined ? {} : { phases }),
    ...(config === undefined || path === undefined ? {} : { config, configPath: path }),
  });
  await tellJob(context, store, job);
  return undefined;
}

function checkUsage(options: CreateOptions): void {
  const problem = usageProblem(options);
  if (problem !== undefined) throw new CommandError("USAGE", problem, EXIT.usage);
}

function usageProblem(options: CreateOptions): string | undefined {
  const { config, task, workspace, description, id, phase, worker, supervisor } = options;
  if (config === undefined && (task !== undefined || workspace !== undefined))
    return "--task and --workspace need --config FILE, which says what agents there are";
  if (config === undefined && description === undefined)
    return "a job needs --description TEXT, or --config FILE with a task that says what is to be done";
  if (phase !== undefined && (worker !== undefined || supervisor !== undefined))
    return "--phase takes the place of --worker and --supervisor; give the one or the others";
  const names = phase?.map(({ name }) => name) ?? [];
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) return `--phase "${twice}" is there twice; each has a name of its own`;
  const parsed = id === undefined ? undefined : jobIdSchema.safeParse(id);
  if (parsed?.success === false) return `--id "${id}" ${parsed.error.issues[0]?.message ?? "is not an id"}`;
  return undefined;
}
