// An agent: mills half of what the store holds beyond its reserve, and nothing while there is less.

export const agentSchema = {
  type: "object",
  properties: { reserve: { type: "number", minimum: 0, default: 50 } },
  additionalProperties: false,
};

export default {
  decide({ state, agent }) {
    if (state.grain < agent.reserve) return { action: "hold", sacks: 0 };
    return { action: "mill", sacks: Math.min(40, Math.round((state.grain - agent.reserve) / 2)) };
  },
};
