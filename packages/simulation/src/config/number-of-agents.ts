import type { Engine } from "../engine/engine.ts";
import type { SimulationConfig } from "./schema.ts";

/**
 * How many agents a simulation has: those the config lists, or, where it lists none, as many as the engine says (an epidemic: its
 * population). `undefined` when neither says.
 */
export function numberOfAgents(config: SimulationConfig, engine: Engine): number | undefined {
  if (config.agents.length > 0) return config.agents.length;
  const count = engine.countAgents?.(config);
  return count !== undefined && Number.isSafeInteger(count) && count > 0 ? count : undefined;
}
