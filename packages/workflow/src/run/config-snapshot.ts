import type { RunState } from "@holdfast/task-store";
import type { Environment } from "../config/environment.ts";
import { loadAgentsConfig } from "../config/load-config.ts";
import { agentsConfigSchema, type WorkflowConfig, workflowConfigSchema } from "../config/schema.ts";
import { WorkflowError } from "../errors.ts";
import { REDACTED, type Redactor } from "../supervisor/redactor.ts";
import { isRecord, textOf } from "../unknown-value.ts";

/** The config as a run keeps it: secrets replaced, and where it came from. */
export function snapshotConfig(
  config: WorkflowConfig,
  configPath: string | undefined,
  redactor: Redactor,
): Record<string, unknown> {
  const kept: unknown = JSON.parse(JSON.stringify(redactor.value(config)));
  if (!isRecord(kept)) throw new TypeError("A configuration is a map");
  return configPath === undefined ? kept : { ...kept, config_path: configPath };
}

function splitPath(snapshot: unknown): { rest: unknown; configPath: string | undefined } {
  if (!isRecord(snapshot)) return { rest: snapshot, configPath: undefined };
  const { config_path: configPath, ...rest } = snapshot;
  return { rest, configPath: textOf(configPath) };
}

/**
 * Reads the config that a run was started with, as far as it is kept: secrets stay replaced.
 *
 * @throws {WorkflowError} `WORKFLOW_RUN_DAMAGED` when it is not a workflow's config.
 */
export function readConfigSnapshot(
  snapshot: unknown,
  place: string,
): { config: WorkflowConfig; configPath: string | undefined } {
  return parseSnapshot(snapshot, place, workflowConfigSchema);
}

/** As {@link readConfigSnapshot}, for a config that is kept for its agents and may have no tasks. */
export function readAgentsSnapshot(
  snapshot: unknown,
  place: string,
): { config: WorkflowConfig; configPath: string | undefined } {
  return parseSnapshot(snapshot, place, agentsConfigSchema);
}

function parseSnapshot(
  snapshot: unknown,
  place: string,
  schema: typeof workflowConfigSchema | typeof agentsConfigSchema,
): { config: WorkflowConfig; configPath: string | undefined } {
  const { rest, configPath } = splitPath(snapshot);
  const parsed = schema.safeParse(rest);
  if (parsed.success) return { config: parsed.data, configPath };
  const issue = parsed.error.issues[0];
  const message = `Cannot use the configuration kept in "${place}": ${issue?.path.join(".") ?? ""}: ${issue?.message ?? "not valid"}`;
  throw new WorkflowError("WORKFLOW_RUN_DAMAGED", message, { path: place });
}

/**
 * Fills in the secrets that a kept config does not hold, from the configuration file. Everything else stays as it was when the run started.
 *
 * @throws {WorkflowError} `WORKFLOW_SECRET_MISSING` when the file no longer has a text at the place of a secret.
 * @throws {ConfigError} When the file is needed and cannot be used.
 */
export async function restoreSecrets(
  config: WorkflowConfig,
  options: { readonly runId: string; readonly configPath: string | undefined; readonly env: Environment },
): Promise<WorkflowConfig> {
  // Only what starts the agents needs its secrets: everything said to them is redacted all the same.
  if (!JSON.stringify(config.agents).includes(REDACTED)) return config;
  if (options.configPath === undefined)
    throw missing(options.runId, "the configuration file is not known; name it");
  const file = await loadAgentsConfig(options.configPath, { env: options.env });
  const merged = merge(config.agents, file.agents, "agents", (place) => {
    throw missing(options.runId, `"${options.configPath}" has no text at ${place} any more; put it back`);
  });
  return { ...config, agents: workflowConfigSchema.shape.agents.parse(merged) };
}

function missing(runId: string, what: string): WorkflowError {
  const message = `Cannot resume "${runId}": its configuration holds secrets that are not kept in the store, and ${what}`;
  return new WorkflowError("WORKFLOW_SECRET_MISSING", message, { path: runId });
}

function merge(kept: unknown, file: unknown, place: string, fail: (place: string) => never): unknown {
  if (typeof kept === "string") {
    if (!kept.includes(REDACTED)) return kept;
    return typeof file === "string" ? file : fail(place);
  }
  if (Array.isArray(kept)) {
    const items: readonly unknown[] = Array.isArray(file) ? file : [];
    return kept.map((item, index) => merge(item, items[index], `${place}[${index}]`, fail));
  }
  if (!isRecord(kept)) return kept;
  const entries = Object.entries(kept).map(([key, item]) => {
    const value = isRecord(file) && Object.hasOwn(file, key) ? file[key] : undefined;
    return [key, merge(item, value, `${place}.${key}`, fail)] as const;
  });
  return Object.fromEntries(entries);
}

/**
 * The configuration that a run was started with, as it is kept: secrets stay replaced, paths are absolute.
 *
 * @throws {WorkflowError} `WORKFLOW_RUN_DAMAGED` when what is kept is not a workflow's configuration.
 */
export function configOfRun(state: RunState): WorkflowConfig {
  return readConfigSnapshot(state.config_snapshot, state.run_id).config;
}
