export type { DiskModel } from "./durable-operations.ts";
export { BadStateError, CrashError, type CrashErrorCode } from "./errors.ts";
export {
  type Aftermath,
  type CrashBudget,
  type CrashReport,
  type ExploreCrashesOptions,
  exploreCrashes,
  type Workload,
} from "./explore-crashes.ts";
export { type ExploreFaultsOptions, exploreFaults, type FaultReport } from "./explore-faults.ts";
export { SimulatedDisk } from "./simulated-disk.ts";
