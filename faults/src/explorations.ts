import { exploreCrashes, exploreFaults } from "@holdfast/crash-kit";
import type { Feature } from "./feature.ts";
import { FILES } from "./features/files.ts";
import { JOBS } from "./features/jobs.ts";
import { LOGS } from "./features/logs.ts";
import { RECORDS } from "./features/records.ts";
import { SIMULATIONS } from "./features/simulations.ts";
import { STORE } from "./features/store.ts";
import { TASKS } from "./features/tasks.ts";
import type { Section, Trial, TrialOptions, TrialOutcome } from "./trial.ts";

const FEATURES: readonly Feature[] = [
  ...FILES,
  ...LOGS,
  ...STORE,
  ...RECORDS,
  ...SIMULATIONS,
  ...TASKS,
  ...JOBS,
];

async function explore({ work }: Feature, { isLong }: TrialOptions): Promise<TrialOutcome> {
  const budget = isLong ? { states: 10_000, nested: 1_000 } : { states: 600, nested: 60 };
  const { operations, states, nested } = await exploreCrashes({ ...work, budget });
  const { faults, states: faulty } = await exploreFaults(work);
  return { counts: { operations, states, nested, faults, "states after faults": faulty } };
}

/** Every durable feature on a simulated disk whose power is cut and whose calls fail. */
export const EXPLORATIONS: Section = {
  title: "Power cuts and failing calls",
  about:
    "A state is what a disk may hold after a crash, together with what had been acknowledged by then; each is recovered from as the next process would, and checked. Nested: the recovery was crashed as well. A fault is one call of the file system that fails, with one error, once or from then on, or a write cut short.",
  columns: ["operations", "states", "nested", "faults", "states after faults"],
  trials: FEATURES.map((one): Trial => {
    return { name: one.name, promise: one.promise, run: (options) => explore(one, options) };
  }),
};
