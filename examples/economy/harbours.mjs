// An engine: makes the state of the next turn from the one before. Everything it needs is in the state, in the config and in `ctx`.

/** What the config may hold beside `module`: a JSON Schema (a zod schema of an object would do as well). Misspelt keys are refused, with their line. */
export const engineSchema = {
  type: "object",
  properties: {
    profit: { type: "number", minimum: 0, maximum: 1, default: 0.1 },
    storms: { type: "number", minimum: 0, maximum: 1, default: 0.1 },
  },
  additionalProperties: false,
};

/** What it takes of each agent. */
export const agentSchema = {
  type: "object",
  properties: {
    treasure: { type: "number", minimum: 0, default: 1000 },
    fleet: { type: "integer", minimum: 1, default: 1 },
  },
  additionalProperties: false,
};

export default {
  /** The state of turn 0. Plain JSON; `turn` is set for it. */
  init(config) {
    return { harbours: config.agents.map(({ name, treasure, fleet }) => ({ name, treasure, fleet })) };
  },

  /** The state after turn `ctx.turn`. */
  async step(state, ctx) {
    const { profit, storms } = ctx.config.engine;
    // Paid for once a turn, whatever crashes: here it would be a call of a weather service, or of a model.
    const storm = await ctx.once("weather", () => ({ hits: ctx.random() < storms, strength: ctx.random() }));
    const harbours = state.harbours.map((harbour) => {
      const decision = ctx.decisions.get(harbour.name); // undefined when it decided nothing, or the validator refused it
      const staked = decision?.action === "sail" ? Math.min(decision.stake, harbour.treasure) : 0;
      const gain = storm.hits ? -staked * storm.strength : staked * profit * (1 + ctx.random());
      const treasure = Math.round((harbour.treasure + gain) * 100) / 100;
      if (treasure !== harbour.treasure) {
        const action = ctx.actions.get(harbour.name);
        ctx.emit({
          event_type: "STATE",
          agent_id: harbour.name,
          ...(action === undefined ? {} : { caused_by: [action] }),
          details: {
            variable_name: "treasure",
            old_value: harbour.treasure,
            new_value: treasure,
            scope: "agent",
          },
        });
      }
      return { ...harbour, treasure };
    });
    if (storm.hits) ctx.logger.info(`a storm of strength ${storm.strength.toFixed(2)}`);
    return { harbours };
  },

  /** Whether the run ends with this state, and why. */
  isDone({ harbours }, { simulation }) {
    const { min_value = -Infinity, max_value = Infinity } = simulation.termination ?? {};
    const outside = harbours.find(({ treasure }) => treasure < min_value || treasure > max_value);
    return outside === undefined ? false : `${outside.name} left the bounds`;
  },

  /** Added to `summary_stats` of result.json. */
  summarize: ({ harbours }) => ({
    treasures: Object.fromEntries(harbours.map(({ name, treasure }) => [name, treasure])),
  }),
};
