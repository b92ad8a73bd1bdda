import type { Fence, Store } from "@holdfast/storage";
import * as z from "zod";
import type { Environment } from "../config/environment.ts";
import type { TaskConfig, WorkflowConfig } from "../config/schema.ts";
import { WorkflowError } from "../errors.ts";
import { readAgentsSnapshot, restoreSecrets, snapshotConfig } from "../run/config-snapshot.ts";
import { redactorFor } from "../run/session.ts";

/** What a job keeps of the configuration that its agents come from. The one source of its type and of `schemas/v1/job-config.json`. */
export const jobConfigSchema = z.looseObject({
  schema: z.literal("holdfast/job-config/v1").default("holdfast/job-config/v1"),
  job_id: z.string().min(1),
  config: z.unknown().describe("The workflow configuration, its secrets replaced, and where it came from"),
  inputs: z.record(z.string(), z.json()).default({}).describe("Given to the agents with every command"),
  expected_outputs: z
    .array(z.looseObject({ path: z.string(), description: z.string().optional(), required: z.boolean() }))
    .default([])
    .describe("What the worker is asked to make"),
});

/** What a job's steps are made from. */
export interface JobConfig {
  /** Workspace, agents and policy; secrets as they stand in the configuration file. */
  readonly config: WorkflowConfig;
  /** The file it came from. */
  readonly configPath: string | undefined;
  readonly inputs: TaskConfig["inputs"];
  readonly expectedOutputs: TaskConfig["expected_outputs"];
}

const keyOf = (jobId: string): string => `jobs/${jobId}/config`;

/** Keeps a copy of a job's configuration in the job's folder, without secrets, so that later steps need the job's id alone. */
export async function keepJobConfig(
  store: Store,
  jobId: string,
  given: JobConfig,
  options: { readonly env: Environment; readonly fence?: Fence },
): Promise<void> {
  const redactor = redactorFor(given.config, options.env);
  const kept = {
    schema: "holdfast/job-config/v1",
    job_id: jobId,
    config: snapshotConfig(given.config, given.configPath, redactor),
    inputs: redactor.value(given.inputs),
    expected_outputs: redactor.value(given.expectedOutputs),
  };
  const value = z.json().parse(JSON.parse(JSON.stringify(kept)));
  await store.documents.put(keyOf(jobId), value, options.fence === undefined ? {} : { fence: options.fence });
}

/**
 * Reads the configuration that a job keeps; secrets are taken from the configuration file again.
 *
 * @throws {WorkflowError} `WORKFLOW_JOB_CONFIG_MISSING`, `WORKFLOW_JOB_DAMAGED`, `WORKFLOW_SECRET_MISSING`.
 */
export async function readJobConfig(
  store: Store,
  jobId: string,
  options: { readonly env: Environment },
): Promise<JobConfig> {
  const key = keyOf(jobId);
  const path = store.locate({ document: key });
  const stored = await store.documents.get(key);
  if (stored === undefined) {
    const message = `Cannot work on job "${jobId}": it was made without a configuration, so its agents are not known; give one with --config FILE`;
    throw new WorkflowError("WORKFLOW_JOB_CONFIG_MISSING", message, { path });
  }
  const parsed = jobConfigSchema.safeParse(stored.value);
  if (!parsed.success || parsed.data.job_id !== jobId) {
    const issue = parsed.success
      ? `it belongs to job "${parsed.data.job_id}"`
      : z.prettifyError(parsed.error).replaceAll("\n", " ");
    const message = `Cannot work on job "${jobId}": its configuration "${path}" cannot be used: ${issue}; give it again with --config FILE`;
    throw new WorkflowError("WORKFLOW_JOB_DAMAGED", message, { path });
  }
  const { inputs, expected_outputs: outputs } = parsed.data;
  const { config, configPath } = readAgentsSnapshot(parsed.data.config, path);
  const expectedOutputs = outputs.map(({ path: output, description, required }) => ({
    path: output,
    required,
    ...(description === undefined ? {} : { description }),
  }));
  return {
    config: await restoreSecrets(config, { runId: jobId, configPath, env: options.env }),
    configPath,
    inputs,
    expectedOutputs,
  };
}
