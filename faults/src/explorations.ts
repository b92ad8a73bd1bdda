import { exploreCrashes, exploreFaults } from "@holdfast/crash-kit";
import type { Feature } from "./feature.ts";
import { FILES } from "./features/files.ts";
import { FOLDER_FEATURES } from "./features/folders.ts";
import { GARBAGE } from "./features/garbage.ts";
import { GROUPS } from "./features/groups.ts";
import { JOBS } from "./features/jobs.ts";
import { LOCKS } from "./features/locks.ts";
import { LOGS } from "./features/logs.ts";
import { RECORDS } from "./features/records.ts";
import { REPAIRS } from "./features/repairs.ts";
import { RETRIES } from "./features/retries.ts";
import { RUNS } from "./features/runs.ts";
import { SIMULATIONS } from "./features/simulations.ts";
import { SNAPSHOTS } from "./features/snapshots.ts";
import { STORE } from "./features/store.ts";
import { SUMMARIES } from "./features/summaries.ts";
import { TASKS } from "./features/tasks.ts";
import { WHOLE_RUNS } from "./features/whole-runs.ts";
import type { Section, Trial, TrialOptions, TrialOutcome } from "./trial.ts";

const FEATURES: readonly Feature[] = [
  ...FILES,
  ...FOLDER_FEATURES,
  ...LOCKS,
  ...LOGS,
  ...SUMMARIES,
  ...GROUPS,
  ...STORE,
  ...REPAIRS,
  ...SNAPSHOTS,
  ...GARBAGE,
  ...RECORDS,
  ...RETRIES,
  ...RUNS,
  ...WHOLE_RUNS,
  ...SIMULATIONS,
  ...TASKS,
  ...JOBS,
];

const ERRNOS = ["EIO", "ENOSPC", "EROFS", "EMFILE", "EDQUOT"];

async function explore({ work, isWhole = false }: Feature, { isLong }: TrialOptions): Promise<TrialOutcome> {
  const budget = isLong ? { states: 5_000, nested: 500 } : { states: 200, nested: 25 };
  const { operations, states, nested } = await exploreCrashes({ ...work, budget });
  if (isWhole && !isLong) return { counts: { operations, states, nested } };
  const { faults, states: faulty } = await exploreFaults({
    ...work,
    // The parts that a whole run is made of meet all of them.
    errnos: isWhole ? ERRNOS.slice(0, 2) : ERRNOS,
  });
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
