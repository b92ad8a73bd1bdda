import type { Agent } from "./engine.ts";

/**
 * The agent of type `nation`: offers `trade_share` of its strength to the strongest other nation, the first of them when several are.
 * It decides by the state alone, so that an economy without `volatility` knows no chance.
 */
export const nation: Agent = {
  decide({ state, agent }, { config }) {
    const nations = Array.isArray(state["nations"]) ? state["nations"] : [];
    const share = Number(config.engine["trade_share"] ?? 0.05);
    const self = nations.find(({ name }) => name === agent.name);
    let partner: { readonly name: string; readonly economic_strength: number } | undefined;
    for (const other of nations) {
      if (other === self) continue;
      if (partner === undefined || other.economic_strength > partner.economic_strength) partner = other;
    }
    const amount = Math.max(0, Number(self?.economic_strength ?? 0)) * share;
    if (partner === undefined || amount === 0) return { action: "hold" };
    return { action: "trade", partner: partner.name, amount };
  },
};
