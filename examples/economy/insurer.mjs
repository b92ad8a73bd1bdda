// A validator: looks at each decision before the engine gets it. What it refuses is told in the stream, and goes no further.

export const validatorSchema = {
  type: "object",
  properties: { max_share: { type: "number", minimum: 0, maximum: 1, default: 0.5 } },
  additionalProperties: false,
};

export default {
  validate(decision, { state, agent, config }) {
    if (decision.action !== "sail") return true;
    const { treasure } = state.harbours.find(({ name }) => name === agent.name);
    const { max_share } = config.validator;
    if (decision.stake <= treasure * max_share) return true;
    return { valid: false, reason: `stakes ${decision.stake}, more than ${max_share * 100}% of ${treasure}` };
  },
};
