import * as z from "zod";
import type { AgentConfig, PartConfig, SimulationConfig } from "../config/schema.ts";
import { reasonOf, SimulationError } from "../errors.ts";
import { BUILT_IN_ENGINES, type BuiltInEngine } from "./built-in-engines.ts";
import { BUILT_IN_VALIDATORS } from "./built-in-validators.ts";
import type { Agent, Engine, Validator } from "./engine.ts";
import { type ImportModule, loadModule } from "./load-module.ts";

/** What a config names, ready for use, and what their parameters must be. */
export interface Parts {
  readonly engine: Engine;
  /** Agents that decide, by name. The others are only known to the engine. */
  readonly agents: ReadonlyMap<string, Agent>;
  readonly validator: Validator;
}

/** Parts of which some are given by the program that runs the simulation, instead of by the config. */
export interface GivenParts {
  readonly engine?: Engine | undefined;
  readonly agents?: Readonly<Record<string, Agent>> | undefined;
  readonly validator?: Validator | undefined;
}

/** A part with the schema of its parameters; without one they are free. */
export interface Loaded<Part> {
  readonly part: Part;
  readonly parameters: z.ZodObject | undefined;
  /** Of an engine: what it takes from each agent's entry. */
  readonly agentParameters?: z.ZodObject | undefined;
}

const ENGINE = {
  what: "engine",
  required: ["init", "step"],
  optional: ["isDone", "summarize", "countAgents"],
} as const;
const AGENT = { what: "agent", required: ["decide"] } as const;
const VALIDATOR = { what: "validator", required: ["validate"] } as const;

/** The engine that a config names. */
export async function loadEngine(config: PartConfig, importer?: ImportModule): Promise<Loaded<Engine>> {
  if (config.module !== undefined) {
    const { part, exports } = await loadModule(config.module, ENGINE, importer);
    return {
      part: part as Engine,
      parameters: schemaOf(exports["engineSchema"], "engineSchema", config.module),
      agentParameters: schemaOf(exports["agentSchema"], "agentSchema", config.module),
    };
  }
  const builtIn = builtInEngine(config);
  return {
    part: builtIn.engine,
    parameters: builtIn.engineSchema,
    agentParameters: builtIn.agentSchema,
  };
}

/** The built-in engine of a config that names no module. */
function builtInEngine({ type }: PartConfig): BuiltInEngine {
  const found = BUILT_IN_ENGINES.get(type ?? "");
  if (found !== undefined) return found;
  throw new SimulationError(
    "SIMULATION_MODULE",
    `Cannot load the engine "${type}": there is no such engine`,
    {
      path: type ?? "",
    },
  );
}

/** What decides for an agent; `undefined` when nothing does. */
export async function loadAgent(
  agent: AgentConfig,
  engine: PartConfig,
  importer?: ImportModule,
): Promise<Loaded<Agent> | undefined> {
  if (agent.module !== undefined) {
    const { part, exports } = await loadModule(agent.module, AGENT, importer);
    return {
      part: part as Agent,
      parameters: schemaOf(exports["agentSchema"], "agentSchema", agent.module),
    };
  }
  if (engine.module !== undefined) return undefined;
  const part = builtInEngine(engine).agents?.[agent.type ?? ""];
  return part === undefined ? undefined : { part, parameters: undefined };
}

/** What checks decisions. */
export async function loadValidator(
  config: PartConfig,
  importer?: ImportModule,
): Promise<Loaded<(parameters: PartConfig) => Validator>> {
  if (config.module !== undefined) {
    const { part, exports } = await loadModule(config.module, VALIDATOR, importer);
    return {
      part: () => part as Validator,
      parameters: schemaOf(exports["validatorSchema"], "validatorSchema", config.module),
    };
  }
  const found = BUILT_IN_VALIDATORS.get(config.type ?? "");
  if (found !== undefined) return { part: found.create, parameters: found.schema };
  const path = config.type ?? "";
  throw new SimulationError(
    "SIMULATION_MODULE",
    `Cannot load the validator "${path}": there is no such validator`,
    { path },
  );
}

/** Everything a config names. What the program gives is taken instead, and not looked for. */
export async function loadParts(config: SimulationConfig, given: GivenParts): Promise<Parts> {
  const engine = given.engine ?? (await loadEngine(config.engine)).part;
  const agents = new Map<string, Agent>();
  for (const agent of config.agents) {
    const part = given.agents?.[agent.name] ?? (await loadUnless(given.engine, agent, config));
    if (part !== undefined) agents.set(agent.name, part);
  }
  const validator = given.validator ?? (await loadValidator(config.validator)).part(config.validator);
  return { engine, agents, validator };
}

/** The built-in agents belong to the built-in engine: one that is given has none. */
async function loadUnless(
  engine: Engine | undefined,
  agent: AgentConfig,
  config: SimulationConfig,
): Promise<Agent | undefined> {
  if (engine !== undefined && agent.module === undefined) return undefined;
  return (await loadAgent(agent, config.engine))?.part;
}

/** A schema that a module exports: of zod, or JSON Schema. */
function schemaOf(exported: unknown, name: string, path: string): z.ZodObject | undefined {
  if (exported === undefined) return undefined;
  const fault = (reason: string, cause?: unknown): SimulationError =>
    new SimulationError("SIMULATION_MODULE", `Cannot load "${path}": its ${name} ${reason}`, { path, cause });
  if (typeof exported !== "object" || exported === null)
    throw fault("is neither a zod object nor a JSON Schema");
  let schema: unknown = exported;
  if (!("_zod" in exported)) {
    try {
      schema = z.fromJSONSchema(exported as Parameters<typeof z.fromJSONSchema>[0]);
    } catch (error) {
      throw fault(`is no JSON Schema that can be used: ${reasonOf(error)}`, error);
    }
  }
  if (typeof schema === "object" && schema !== null && "shape" in schema && "safeExtend" in schema)
    return schema as z.ZodObject;
  throw fault("must be the schema of an object");
}
