import type { Json } from "@holdfast/storage";
import * as z from "zod";
import type { SimulationConfig } from "../config/schema.ts";
import type { Engine, TurnContext } from "./engine.ts";

const rate = (): z.ZodNumber => z.number().min(-1, "must be -1 or more").max(10, "must be at most 10");

/** Parameters of the engine `economic`. */
export const economicSchema = z.strictObject({
  type: z.enum(["economic", "economy"]),
  interest_rate: rate().default(0.05).describe("What a nation's strength earns each turn"),
  growth_rate: rate().default(0).describe("What it grows by beside the interest"),
  volatility: z
    .number()
    .min(0, "must be 0 or more")
    .max(1, "must be at most 1")
    .default(0)
    .describe("How far chance moves the growth of a turn: 0.5 is by half, up or down"),
  trade_share: z
    .number()
    .min(0, "must be 0 or more")
    .max(1, "must be at most 1")
    .default(0.05)
    .describe("Share of its strength that a nation offers in trade each turn"),
  trade_gain: rate().default(0.02).describe("What both sides gain of what is traded"),
});

/** What `economic` takes of an agent. */
export const economicAgentSchema = z.strictObject({
  name: z.string(),
  type: z.literal("nation").optional(),
  initial_economic_strength: z.number().default(1000).describe("Strength before the first turn"),
});

interface Nation {
  readonly name: string;
  readonly economic_strength: number;
}

interface EconomicState {
  readonly turn: number;
  readonly nations: readonly Nation[];
  readonly total_strength: number;
  readonly trade_volume: number;
  readonly [key: string]: unknown;
}

const sum = (nations: readonly Nation[]): number =>
  nations.reduce((total, { economic_strength }) => total + economic_strength, 0);

/** What a nation trades with whom, of what it decided; anything else is no trade. */
function tradeOf(
  decision: Json | undefined,
  self: Nation,
  nations: readonly Nation[],
): { partner: number; amount: number } | undefined {
  if (typeof decision !== "object" || decision === null || !("action" in decision)) return undefined;
  const { action, partner, amount } = decision;
  const at = nations.findIndex(({ name }) => name === partner);
  if (action !== "trade" || typeof amount !== "number" || at < 0 || nations[at] === self) return undefined;
  return { partner: at, amount: Math.min(Math.max(amount, 0), Math.max(self.economic_strength, 0)) };
}

/**
 * Nations that earn interest, grow and trade. Each turn every nation gains `interest_rate` and `growth_rate` of its strength, and both sides of a
 * trade gain `trade_gain` of what was traded. Everything is summed in the order of the agents, so that the result is the same everywhere.
 * `termination` ends the run when the strength of any nation is outside its bounds.
 */
export const economicEngine: Engine<EconomicState> = {
  init(config) {
    const nations = config.agents.map((agent) => {
      const { initial_economic_strength } = economicAgentSchema.partial().loose().parse(agent);
      return { name: agent.name, economic_strength: initial_economic_strength ?? 1000 };
    });
    return { nations, total_strength: sum(nations), trade_volume: 0 };
  },
  step(state, ctx) {
    const { interest_rate, growth_rate, volatility, trade_gain } = economicSchema.parse(ctx.config.engine);
    const before = state.nations;
    const gains = before.map(({ economic_strength }) => {
      const chance = volatility === 0 ? 1 : 1 + (ctx.random() * 2 - 1) * volatility;
      return economic_strength * interest_rate + economic_strength * growth_rate * chance;
    });
    const causes = before.map(({ name }) => causesOf(name, ctx));
    let volume = 0;
    for (const [index, nation] of before.entries()) {
      const trade = tradeOf(ctx.decisions.get(nation.name), nation, before);
      if (trade === undefined) continue;
      volume += trade.amount;
      for (const side of [index, trade.partner]) gains[side] = (gains[side] ?? 0) + trade.amount * trade_gain;
      causes[trade.partner]?.push(...causesOf(nation.name, ctx));
    }
    const nations = before.map(({ name, economic_strength }, index) => ({
      name,
      economic_strength: economic_strength + (gains[index] ?? 0),
    }));
    for (const [index, { name, economic_strength }] of nations.entries()) {
      ctx.emit({
        event_type: "STATE",
        agent_id: name,
        caused_by: causes[index] ?? [],
        details: {
          variable_name: "economic_strength",
          old_value: before[index]?.economic_strength ?? null,
          new_value: economic_strength,
          scope: "agent",
        },
      });
    }
    return { nations, total_strength: sum(nations), trade_volume: volume };
  },
  isDone(state, config) {
    const outside = nationOutside(state, config);
    return outside?.bound;
  },
  summarize(state, config) {
    const outside = nationOutside(state, config);
    return {
      total_strength: state.total_strength,
      strengths: Object.fromEntries(
        state.nations.map(({ name, economic_strength }) => [name, economic_strength]),
      ),
      ...(outside === undefined ? {} : { terminated_by: outside.name }),
    };
  },
};

const causesOf = (name: string, ctx: TurnContext): string[] => {
  const id = ctx.actions.get(name);
  return id === undefined ? [] : [id];
};

function nationOutside(
  { nations }: EconomicState,
  { simulation }: SimulationConfig,
): { name: string; bound: "min_value" | "max_value" } | undefined {
  const { min_value = -Infinity, max_value = Infinity } = simulation.termination ?? {};
  for (const { name, economic_strength } of nations) {
    if (economic_strength < min_value) return { name, bound: "min_value" };
    if (economic_strength > max_value) return { name, bound: "max_value" };
  }
  return undefined;
}
