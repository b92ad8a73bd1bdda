import { dirname, resolve } from "node:path";
import {
  type ConfigDocument,
  type ConfigFinding,
  type ConfigSection,
  configError,
  configKind,
  nearestName,
  parseConfig,
  readConfig,
  validateConfig,
  validateSections,
} from "@holdfast/config";
import * as z from "zod";
import { BUILT_IN_ENGINES } from "../engine/built-in-engines.ts";
import { BUILT_IN_VALIDATORS } from "../engine/built-in-validators.ts";
import { modulePath } from "../engine/load-module.ts";
import { loadAgent, loadEngine, loadValidator } from "../engine/parts.ts";
import { numberOfAgents } from "./number-of-agents.ts";
import { type PartConfig, type SimulationConfig, simulationConfigSchema } from "./schema.ts";

/** What reading a configuration depends on besides its text. */
export interface ParseSimulationConfigOptions {
  /** The file the text came from: named in errors, and the paths of modules are taken from its folder. */
  readonly path: string;
}

/**
 * Reads a simulation's configuration from a file: YAML 1.2 or JSON, UTF-8, 16 MiB at most. See {@link parseSimulationConfig}.
 *
 * @throws {ConfigError} Also `CONFIG_MISSING` and `CONFIG_UNREADABLE`.
 */
export async function loadSimulationConfig(path: string): Promise<SimulationConfig> {
  return simulationConfigOf(readConfig(path));
}

/**
 * Reads a simulation's configuration from text: defaults filled in, paths of modules made absolute. The modules it names are loaded,
 * to hold their parameters against the schemas they export. Nothing is created.
 *
 * @throws {ConfigError} `CONFIG_SYNTAX`, `CONFIG_INVALID`, or `CONFIG_UNSUPPORTED` for a workflow; with the path in the document,
 * the line, what was found and what is allowed.
 * @throws {SimulationError} `SIMULATION_MODULE` for a module that cannot be used.
 */
export async function parseSimulationConfig(
  text: string,
  options: ParseSimulationConfigOptions,
): Promise<SimulationConfig> {
  return simulationConfigOf(parseConfig(text, options.path));
}

/** Parts that the program gives, of which the config need not know. */
export interface GivenKinds {
  readonly hasEngine: boolean;
  readonly hasValidator: boolean;
}

/**
 * Checks a config that is no text: one made by hand, or one with overrides.
 *
 * @param path - The file it came from, for errors.
 * @throws As {@link parseSimulationConfig}, without lines.
 */
export async function checkSimulationConfig(
  value: unknown,
  path: string,
  given: GivenKinds,
): Promise<SimulationConfig> {
  return simulationConfigOf({ path, value, position: () => undefined }, given);
}

async function simulationConfigOf(
  document: ConfigDocument,
  given: GivenKinds = { hasEngine: false, hasValidator: false },
): Promise<SimulationConfig> {
  if (configKind(document) !== "simulation") throw otherKind(document);
  const folder = dirname(resolve(document.path));
  const config = withPaths(validateConfig(document, simulationConfigSchema), folder);
  const findings = [
    ...(given.hasEngine ? [] : checkPart(config.engine, "engine", [...BUILT_IN_ENGINES.keys()])),
    ...(given.hasValidator ? [] : checkPart(config.validator, "validator", [...BUILT_IN_VALIDATORS.keys()])),
    ...checkAgentNames(config),
  ];
  if (findings.length > 0) throw configError(document, findings);
  if (given.hasEngine) return config;
  const checked = await checkParameters(document, config, given);
  if (numberOfAgents(checked, (await loadEngine(checked.engine)).part) !== undefined) return checked;
  const message =
    "is missing: a simulation has at least one agent, or an engine that knows how many there are";
  throw configError(document, [{ path: ["agents"], found: "none", allowed: "at least one agent", message }]);
}

/** Paths of modules, made absolute. */
function withPaths(config: SimulationConfig, folder: string): SimulationConfig {
  const absolute = <Part extends { module?: string | undefined }>(part: Part): Part =>
    part.module === undefined ? part : { ...part, module: modulePath(folder, part.module) };
  return {
    ...config,
    engine: absolute(config.engine),
    validator: absolute(config.validator),
    agents: config.agents.map(absolute),
  };
}

function* checkPart(part: PartConfig, name: string, known: readonly string[]): Generator<ConfigFinding> {
  const { type, module } = part;
  const allowed = `${known.join(", ")}, or a module`;
  if (type === undefined && module === undefined) {
    yield {
      path: [name],
      found: "neither",
      allowed,
      message: `must have a type (${known.join(", ")}) or a module`,
    };
  } else if (type !== undefined && module !== undefined) {
    yield {
      path: [name, "type"],
      found: "both",
      allowed,
      message: "must have a type or a module, not both",
    };
  } else if (type !== undefined && !known.includes(type)) {
    const nearest = nearestName(type, known);
    const hint =
      nearest === undefined ? "; for your own, give its path as module" : `; did you mean "${nearest}"?`;
    yield {
      path: [name, "type"],
      found: type,
      allowed,
      message: `must be one of ${known.join(", ")}, found ${JSON.stringify(type)}${hint}`,
    };
  }
}

function* checkAgentNames({ agents }: SimulationConfig): Generator<ConfigFinding> {
  const seen = new Set<string>();
  for (const [index, { name }] of agents.entries()) {
    if (seen.has(name)) {
      yield {
        path: ["agents", index, "name"],
        found: name,
        allowed: "a name no other agent has",
        message: `agent name ${JSON.stringify(name)} is used twice`,
      };
    }
    seen.add(name);
  }
}

/** Holds what engine, agents and validator take against their schemas, and fills in their defaults. */
async function checkParameters(
  document: ConfigDocument,
  config: SimulationConfig,
  given: GivenKinds,
): Promise<SimulationConfig> {
  const engine = await loadEngine(config.engine);
  const agents = await Promise.all(config.agents.map((agent) => loadAgent(agent, config.engine)));
  const sections: ConfigSection[] = [
    { path: ["engine"], schema: partSchema(engine.parameters) },
    ...config.agents.map(({ module }, index) => ({
      path: ["agents", index],
      schema: agentSchema(engine.agentParameters, agents[index]?.parameters, module !== undefined),
    })),
  ];
  const { value } = document;
  const hasValidator =
    !given.hasValidator && typeof value === "object" && value !== null && "validator" in value;
  if (hasValidator) {
    const validator = await loadValidator(config.validator);
    sections.push({ path: ["validator"], schema: partSchema(validator.parameters) });
  }
  const values = validateSections(document, sections) as readonly Record<string, unknown>[];
  const checkedAgents = config.agents.map((agent, index) => ({ ...values[index + 1], ...named(agent) }));
  return {
    ...config,
    engine: { ...values[0], ...named(config.engine) },
    agents: checkedAgents as SimulationConfig["agents"],
    validator: hasValidator ? { ...values.at(-1), ...named(config.validator) } : config.validator,
  };
}

/** The keys that the configuration itself knows, with absolute paths. */
function named(part: { name?: string; type?: string | undefined; module?: string | undefined }): {
  name?: string;
  type?: string;
  module?: string;
} {
  const { name, type, module } = part;
  return {
    ...(name === undefined ? {} : { name }),
    ...(type === undefined ? {} : { type }),
    ...(module === undefined ? {} : { module }),
  };
}

const OWN_KEYS = {
  name: z.string().optional(),
  type: z.string().optional(),
  module: z.string().optional(),
};

function partSchema(parameters: z.ZodObject | undefined): z.ZodType {
  if (parameters === undefined) return z.looseObject({});
  const { name: _name, ...own } = OWN_KEYS;
  return parameters.safeExtend({ ...own, ...parameters.shape });
}

/** What the engine takes and what the agent's own module takes; where one of them does not say, other keys are free. */
function agentSchema(
  ofEngine: z.ZodObject | undefined,
  ofModule: z.ZodObject | undefined,
  hasModule: boolean,
): z.ZodType {
  const known = { ...OWN_KEYS, ...ofEngine?.shape, ...ofModule?.shape };
  const isKnown = ofEngine !== undefined && (!hasModule || ofModule !== undefined);
  return isKnown ? z.strictObject(known) : z.looseObject(known);
}

function otherKind(document: ConfigDocument): Error {
  const finding = {
    path: ["kind"],
    found: "workflow",
    allowed: "simulation",
    message: "it is a workflow, not a simulation (simulation and engine)",
  };
  return configError(document, [finding], "CONFIG_UNSUPPORTED");
}
