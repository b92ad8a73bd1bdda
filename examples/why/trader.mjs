// An agent: sees the state, decides. Its random numbers are its own, so that traders may think at the same time.
export default {
  decide({ agent }, { random }) {
    const wish = random() + agent.bias * 0.2;
    return { action: wish > 0.5 ? "buy" : "sell", amount: random.int(1, 20) };
  },
};
