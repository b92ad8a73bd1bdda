import type * as z from "zod";
import { economicAgentSchema, economicEngine, economicSchema } from "./economic.ts";
import type { Agent, Engine } from "./engine.ts";
import { epidemicAgentSchema, epidemicEngine, epidemicSchema } from "./epidemic.ts";
import { nation } from "./nation.ts";

/** An engine of this package, with what it takes. */
export interface BuiltInEngine {
  readonly engine: Engine;
  readonly engineSchema: z.ZodObject;
  readonly agentSchema: z.ZodObject;
  /** Agents that decide, by type; the empty type is that of an agent without one. */
  readonly agents?: Readonly<Record<string, Agent>>;
}

const ECONOMIC: BuiltInEngine = {
  engine: economicEngine as unknown as Engine,
  engineSchema: economicSchema,
  agentSchema: economicAgentSchema,
  agents: { nation, "": nation },
};

/** The engines a config may name by `type`. */
export const BUILT_IN_ENGINES: ReadonlyMap<string, BuiltInEngine> = new Map([
  ["economic", ECONOMIC],
  ["economy", ECONOMIC],
  [
    "epidemic",
    {
      engine: epidemicEngine as unknown as Engine,
      engineSchema: epidemicSchema,
      agentSchema: epidemicAgentSchema,
    },
  ],
]);
