import { dirname, resolve } from "node:path";
import {
  type ConfigDocument,
  type ConfigFinding,
  configError,
  configKind,
  parseConfig,
  readConfig,
  validateConfig,
} from "@holdfast/config";
import type * as z from "zod";
import { checkConfig, checkParts } from "./check-config.ts";
import type { Environment } from "./environment.ts";
import { resolveCommand } from "./program-paths.ts";
import { agentsConfigSchema, type WorkflowConfig, workflowConfigSchema } from "./schema.ts";

/** What reading a configuration depends on besides its text. */
export interface ParseConfigOptions {
  /** The file the text came from: named in errors, and relative paths are taken from its folder. */
  readonly path: string;
  /** Variables for `${NAME}`. Default: `process.env`. */
  readonly env?: Environment;
}

/**
 * Reads a workflow's configuration from text: YAML 1.2 or JSON, its defaults filled in, the workspace and relative program
 * paths made absolute. `${NAME}` in `env` values is checked but kept as it is: values are taken when a run starts, and never stored.
 *
 * @throws {ConfigError} `CONFIG_SYNTAX`, `CONFIG_INVALID`, or `CONFIG_UNSUPPORTED` for a simulation; with the path in the document,
 * the line, what was found and what is allowed.
 */
export function parseWorkflowConfig(text: string, options: ParseConfigOptions): WorkflowConfig {
  return workflowConfigOf(parseConfig(text, options.path), options.env ?? process.env);
}

/**
 * Reads a workflow's configuration from a file (YAML 1.2 or JSON, UTF-8, 16 MiB at most). See {@link parseWorkflowConfig}.
 *
 * @throws {ConfigError} Also `CONFIG_MISSING` and `CONFIG_UNREADABLE`.
 */
export async function loadWorkflowConfig(
  path: string,
  options: { readonly env?: Environment } = {},
): Promise<WorkflowConfig> {
  return workflowConfigOf(readConfig(path), options.env ?? process.env);
}

/**
 * Reads a workflow's configuration for what it says of agents, workspace and policy: it needs no tasks and no flow, and those that are
 * there are not followed. What a job takes. See {@link loadWorkflowConfig}.
 */
export async function loadAgentsConfig(
  path: string,
  options: { readonly env?: Environment } = {},
): Promise<WorkflowConfig> {
  const document = readConfig(path);
  if (configKind(document) !== "workflow") throw otherKind(document);
  const config = validateConfig(document, agentsConfigSchema);
  return checkedConfig(document, config, checkParts(config, folderOf(document), options.env ?? process.env));
}

function workflowConfigOf(document: ConfigDocument, env: Environment): WorkflowConfig {
  if (configKind(document) !== "workflow") throw otherKind(document);
  const config = validateConfig(document, workflowConfigSchema);
  return checkedConfig(document, config, checkConfig(config, folderOf(document), env));
}

const folderOf = (document: ConfigDocument): string => dirname(resolve(document.path));

function checkedConfig(
  document: ConfigDocument,
  config: WorkflowConfig,
  findings: readonly ConfigFinding[],
): WorkflowConfig {
  if (findings.length > 0) throw configError(document, findings);
  const configDir = folderOf(document);
  const agents = Object.entries(config.agents).map(
    ([name, agent]) => [name, { ...agent, cmd: resolveCommand(agent.cmd, configDir) }] as const,
  );
  return { ...config, workspace: resolve(configDir, config.workspace), agents: Object.fromEntries(agents) };
}

function otherKind(document: ConfigDocument): Error {
  const finding = {
    path: ["kind"],
    found: "simulation",
    allowed: "workflow",
    message: "it is a simulation, not a workflow (agents and tasks)",
  };
  return configError(document, [finding], "CONFIG_UNSUPPORTED");
}

/** The schema's input, for tools that build configurations. */
export type WorkflowConfigInput = z.input<typeof workflowConfigSchema>;
