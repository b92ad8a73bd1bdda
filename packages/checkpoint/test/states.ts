import type { SimulationState } from "@holdfast/checkpoint";
import type { Json } from "@holdfast/storage";

/** A state whose text is longer than what is pretty-printed; its names are not in canonical order. */
export function longState(turn: number, count = 3_500): SimulationState {
  const agents = Array.from(
    { length: count },
    (_, id): Json => ({
      name: `agent ${id} \u{1F600}`,
      id,
      strength: id * 1.37 + turn,
      alive: id % 3 !== 0,
      history: [turn, { z: id, a: null }],
    }),
  );
  return { turn, agents, world: { temperature: 0.1 * turn, "10": 1, "9": 2 } };
}
