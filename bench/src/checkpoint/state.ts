import type { SimulationState } from "@holdfast/checkpoint";

/** How the names of a state's objects stand: as somebody would write them, or as canonical JSON has them. */
export type NameOrder = "as written" | "canonical";

/** A state of about so many bytes of JSON. */
export function stateOf(bytes: number, order: NameOrder, turn = 5): SimulationState {
  const count = Math.max(1, Math.round(bytes / 153));
  const agents = Array.from({ length: count }, (_, id) => {
    const name = `agent_${String(id).padStart(6, "0")}`;
    const strength = id * 1.37 + turn;
    const history = [id, id + 1, id * 0.1];
    return order === "canonical"
      ? {
          alive: id % 7 !== 0,
          history,
          id,
          name,
          place: { x: id % 500, y: 1.5 },
          strength,
          tags: ["trader", "north"],
        }
      : {
          name,
          id,
          strength,
          history,
          tags: ["trader", "north"],
          alive: id % 7 !== 0,
          place: { y: 1.5, x: id % 500 },
        };
  });
  return order === "canonical" ? { agents, turn } : { turn, agents };
}
