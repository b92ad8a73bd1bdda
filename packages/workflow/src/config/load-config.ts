import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import * as z from "zod";
import { ConfigError, type ConfigErrorCode, type ConfigIssue } from "../errors.ts";
import { codeOf, isRecord } from "../unknown-value.ts";
import { checkConfig } from "./check-config.ts";
import { type ConfigDocument, documentPath, parseConfigDocument } from "./document.ts";
import type { Environment } from "./environment.ts";
import { resolveCommand } from "./program-paths.ts";
import { type WorkflowConfig, workflowConfigSchema } from "./schema.ts";
import { schemaIssues } from "./schema-issues.ts";

const MAX_BYTES = 16 * 1024 * 1024;

/** What reading a configuration depends on besides its text. */
export interface ParseConfigOptions {
  /** The file the text came from: named in errors, and relative paths are taken from its folder. */
  readonly path: string;
  /** Variables for `${NAME}`. Default: `process.env`. */
  readonly env?: Environment;
}

function configError(code: ConfigErrorCode, path: string, issues: readonly ConfigIssue[]): ConfigError {
  const [first] = issues;
  const line = first?.line === undefined ? "" : `:${first.line}:${first.column ?? 1}`;
  const place = first?.documentPath ? `${first.documentPath}: ` : "";
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : "";
  return new ConfigError(
    code,
    `Cannot use the configuration "${path}${line}": ${place}${first?.message ?? "it is not valid"}${more}`,
    { path, issues },
  );
}

function refuseOtherKinds(document: ConfigDocument, path: string): void {
  const { value } = document;
  if (!isRecord(value)) {
    throw configError("CONFIG_INVALID", path, [
      {
        documentPath: "",
        ...document.position([]),
        found: "no map",
        allowed: "a map",
        message: "must be a map of keys such as name, agents and tasks",
      },
    ]);
  }
  const kind = value["kind"];
  if (kind === "simulation" || (kind === undefined && Object.hasOwn(value, "simulation"))) {
    const key = kind === undefined ? "simulation" : "kind";
    throw configError("CONFIG_UNSUPPORTED", path, [
      {
        documentPath: key,
        ...document.position([], key),
        found: "simulation",
        allowed: "workflow",
        message: "simulations are not supported by this version; give a workflow (agents and tasks)",
      },
    ]);
  }
}

/**
 * Reads a workflow's configuration from text: YAML 1.2 or JSON, its defaults filled in, the workspace and relative program
 * paths made absolute. `${NAME}` in `env` values is checked but kept as it is: values are taken when a run starts, and never stored.
 *
 * @throws {ConfigError} `CONFIG_SYNTAX`, `CONFIG_INVALID`, or `CONFIG_UNSUPPORTED` for a simulation; with the path in the document,
 * the line, what was found and what is allowed.
 */
export function parseWorkflowConfig(text: string, options: ParseConfigOptions): WorkflowConfig {
  const { path } = options;
  const document = parseConfigDocument(text, path);
  refuseOtherKinds(document, path);
  const parsed = workflowConfigSchema.safeParse(document.value);
  if (!parsed.success) {
    throw configError(
      "CONFIG_INVALID",
      path,
      schemaIssues(parsed.error.issues, document, workflowConfigSchema),
    );
  }
  const config = parsed.data;
  const configDir = dirname(resolve(path));
  const findings = checkConfig(config, configDir, options.env ?? process.env);
  if (findings.length > 0) {
    const issues = findings.map((finding) => ({
      documentPath: documentPath(finding.path),
      ...document.position(finding.path),
      found: finding.found,
      allowed: finding.allowed,
      message: finding.message,
    }));
    throw configError(
      "CONFIG_INVALID",
      path,
      issues.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0)),
    );
  }
  const agents = Object.entries(config.agents).map(
    ([name, agent]) => [name, { ...agent, cmd: resolveCommand(agent.cmd, configDir) }] as const,
  );
  return { ...config, workspace: resolve(configDir, config.workspace), agents: Object.fromEntries(agents) };
}

function readConfigFile(path: string): Buffer {
  let descriptor: number;
  try {
    descriptor = openSync(path, "r");
  } catch (error) {
    const missing = codeOf(error) === "ENOENT";
    const message = missing
      ? "there is no such file; holdfast init makes a commented one"
      : `it cannot be opened (${codeOf(error)})`;
    throw new ConfigError(
      missing ? "CONFIG_MISSING" : "CONFIG_UNREADABLE",
      `Cannot read the configuration "${path}": ${message}`,
      { path, cause: error },
    );
  }
  try {
    const stat = fstatSync(descriptor);
    if (!stat.isFile() || stat.size > MAX_BYTES) {
      const message = stat.isFile() ? `it is larger than ${MAX_BYTES} bytes` : "it is not a file";
      throw new ConfigError("CONFIG_UNREADABLE", `Cannot read the configuration "${path}": ${message}`, {
        path,
      });
    }
    return readFileSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
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
  const bytes = readConfigFile(path);
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw new ConfigError("CONFIG_SYNTAX", `Cannot read the configuration "${path}": it is not UTF-8 text`, {
      path,
      cause: error,
    });
  }
  return parseWorkflowConfig(text, { path, ...(options.env === undefined ? {} : { env: options.env }) });
}

/** The schema's input, for tools that build configurations. */
export type WorkflowConfigInput = z.input<typeof workflowConfigSchema>;
