import { runIdGenerator } from "@holdfast/checkpoint";
import { type Json, type Store, systemClock } from "@holdfast/storage";
import { checkSimulationConfig } from "../config/load-config.ts";
import { numberOfAgents } from "../config/number-of-agents.ts";
import type { SimulationConfig } from "../config/schema.ts";
import { loadParts, type Parts } from "../engine/parts.ts";
import type { SimulationOptions, SimulationOverrides } from "./options.ts";

/** A config that a run can be started with: checked, with overrides and a seed. */
export interface Prepared {
  readonly config: SimulationConfig;
  readonly seed: number;
  readonly parts: Parts;
}

/** Puts overrides in, checks the whole, and loads what it names. Nothing is created. */
export async function prepare(
  raw: unknown,
  overrides: SimulationOverrides,
  options: SimulationOptions & {
    readonly configPath?: string | undefined;
    readonly random?: (() => number) | undefined;
  },
): Promise<Prepared> {
  const isRecord = typeof raw === "object" && raw !== null && !Array.isArray(raw);
  const document = isRecord ? overridden(raw as Readonly<Record<string, unknown>>, overrides) : raw;
  const checked = await checkSimulationConfig(document, options.configPath ?? "config", {
    hasEngine: options.engine !== undefined,
    hasValidator: options.validator !== undefined,
  });
  const seed = checked.simulation.seed ?? Math.floor((options.random ?? Math.random)() * 0x1_0000_0000);
  const config = { ...checked, simulation: { ...checked.simulation, seed } };
  return { config, seed, parts: await loadParts(config, options) };
}

function overridden(
  config: Readonly<Record<string, unknown>>,
  { maxTurns, checkpointInterval, seed, verbosity }: SimulationOverrides,
): unknown {
  const { simulation } = config;
  if (typeof simulation !== "object" || simulation === null) return config;
  const changed = {
    ...(maxTurns === undefined ? {} : { max_turns: maxTurns }),
    ...(checkpointInterval === undefined ? {} : { checkpoint_interval: checkpointInterval }),
    ...(seed === undefined ? {} : { seed }),
    ...(verbosity === undefined ? {} : { verbosity }),
  };
  return { ...config, simulation: { ...simulation, ...changed } };
}

/** A new id, taken. */
export async function newRunId(
  store: Store,
  { config, parts }: Prepared,
  clock = systemClock,
): Promise<string> {
  const agents = numberOfAgents(config, parts.engine) ?? 1;
  return runIdGenerator(store, { clock }).next({ name: config.simulation.name, agents });
}

/** A config as run.json keeps it. */
export function snapshotOf(config: SimulationConfig): Json {
  const json: Json = JSON.parse(JSON.stringify(config));
  return json;
}
