export { type CrashDisk, crashDisk, type PowerLoss } from "./crash-disk.ts";
export {
  type FaultCall,
  type FaultOperation,
  type FaultPlan,
  type FaultyFileSystem,
  faultyFileSystem,
} from "./faulty-file-system.ts";
