// An agent: decides what its harbour does. All agents decide at the same time, each with random numbers of its own.

export const agentSchema = {
  type: "object",
  properties: { boldness: { type: "number", minimum: 0, maximum: 1, default: 0.3 } },
  additionalProperties: false,
};

export default {
  /** `view` is what it sees (it cannot change it): the turn, the state before it, its own entry in the config. */
  decide({ state, agent }, ctx) {
    const { treasure } = state.harbours.find(({ name }) => name === agent.name);
    if (ctx.random() > 0.2 + agent.boldness) return { action: "stay" };
    return { action: "sail", stake: Math.round(treasure * agent.boldness * ctx.random()) };
  },
};
