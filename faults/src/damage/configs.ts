import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadSimulationConfig } from "@holdfast/simulation";
import { loadWorkflowConfig } from "@holdfast/workflow";
import type { DamagedFile } from "./damaged-file.ts";
import { WORKFLOW_CONFIG } from "./scripted-run.ts";

const SIMULATION_CONFIG = `kind: simulation
simulation:
  name: EconomicTest
  max_turns: 15
  checkpoint_interval: 5        # a positive integer
  seed: 42
  verbosity: ACTION
  termination: { min_value: 0, max_value: 10000 }
agents:
  - { name: Nation_Ä, type: nation, initial_economic_strength: 1000.0 }
  - { name: Nation_B, type: nation, initial_economic_strength: 1000.0 }
engine: { type: economic, interest_rate: 0.05 }
validator: { type: always_valid }
`;

function config(name: string, text: string, load: (path: string) => Promise<unknown>): DamagedFile {
  return {
    name,
    promise:
      "a config of valid shape, or a refusal that names the place; nothing of the program is changed by it",
    refusals: /^CONFIG_(?:SYNTAX|INVALID|UNREADABLE|UNSUPPORTED)$/,
    otherValue: "another",
    prepare: async (folder) => {
      const path = join(folder, "config.yaml");
      mkdirSync(join(folder, "work"));
      return {
        whole: Buffer.from(text),
        put: (bytes) => writeFileSync(path, bytes),
        async read() {
          const loaded = await load(path);
          if ("polluted" in {}) throw new Error("the prototype of all objects was changed");
          return JSON.parse(JSON.stringify(loaded));
        },
        left: () => readFileSync(path),
      };
    },
  };
}

/** What people write. */
export const CONFIG_FILES: readonly DamagedFile[] = [
  config("config of a workflow (YAML)", WORKFLOW_CONFIG, (path) => loadWorkflowConfig(path, { env: {} })),
  config("config of a simulation (YAML)", SIMULATION_CONFIG, (path) => loadSimulationConfig(path)),
];
