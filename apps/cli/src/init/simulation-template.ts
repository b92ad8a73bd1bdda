const NAME = "simulation.yaml";

const TEXT = `# A Holdfast simulation. Try it:   holdfast run ${NAME}
# Kill it at any moment, then:     holdfast resume RUN      (holdfast runs lists them)
# What if it went on otherwise?    holdfast fork RUN --turn 10
# Does it do the same again?       holdfast replay RUN --verify
kind: simulation

simulation:
  name: MyEconomy
  max_turns: 15
  # The state is kept after every turn as last.json; with an interval, every so many turns also for good, as turn_<n>.json.
  checkpoint_interval: 5
  # The same seed gives the same run. Without one, a seed is chosen and kept with the run.
  seed: 42
  # How much goes into the event stream: MILESTONE, DECISION, ACTION, STATE or DETAIL.
  verbosity: ACTION
  # The economic engine ends the run when a nation leaves these bounds.
  termination: { min_value: 0, max_value: 10000 }

agents:
  - { name: Nation_A, type: nation, initial_economic_strength: 1000.0 }
  - { name: Nation_B, type: nation, initial_economic_strength: 1000.0 }

# A built-in (economic, epidemic), or a module of your own beside this file:
#   engine: { module: ./engine.mjs }
# Its default export is { init(config, ctx), step(state, ctx) }; paths are relative to this file.
engine: { type: economic, interest_rate: 0.05 }

# What looks at the decisions of agents before the engine takes them.
validator: { type: always_valid }
`;

/** A simulation config with comments, that runs as it is. */
export const SIMULATION_TEMPLATE = { name: NAME, text: TEXT } as const;
