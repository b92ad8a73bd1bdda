import type { Store } from "@holdfast/storage";
import type { Environment } from "../config/environment.ts";
import { redactorFor } from "../run/session.ts";
import { createRedactor, type Redactor } from "../supervisor/redactor.ts";
import { readJobConfig } from "./job-config.ts";

/** What a person says of a job. */
interface Said {
  readonly by?: string;
  readonly summary?: string;
}

/**
 * Replaces the secrets that a job's configuration and the environment know in what a person says of the job, as in what its agents say: a key that was pasted
 * into a reason is kept nowhere. Of a job without a configuration that can be used, those of the environment, by the usual names.
 */
export async function withoutSecrets(
  store: Store,
  jobId: string,
  { by, summary }: Said,
  env: Environment = process.env,
): Promise<Said> {
  if (by === undefined && summary === undefined) return {};
  const redactor = await redactorOf(store, jobId, env);
  return {
    ...(by === undefined ? {} : { by: redactor.text(by) }),
    ...(summary === undefined ? {} : { summary: redactor.text(summary) }),
  };
}

async function redactorOf(store: Store, jobId: string, env: Environment): Promise<Redactor> {
  try {
    return redactorFor((await readJobConfig(store, jobId, { env })).config, env);
  } catch {
    // A person may cancel a job whatever is wrong with its configuration; whoever makes a step is told of that.
    return createRedactor({ env });
  }
}
