export { LogConflictError, LogDamagedError, LogError, type LogErrorCode } from "./errors.ts";
export type { LogFormat, TornReason } from "./inspect-tail.ts";
export type { LineIterator } from "./line-iterator.ts";
export { listLogFiles } from "./log-files.ts";
export type {
  Appended,
  AppendOptions,
  LogDurability,
  LogPlace,
  LogStart,
  OpenLogOptions,
} from "./log-options.ts";
export { type Log, openLog } from "./open-log.ts";
export type { TornTail } from "./placed-blocks.ts";
export { type LogRecord, type LogText, type ReadLogOptions, readLines, readLog } from "./read-log.ts";
export { type RecoverOptions, recoverTail, type TailRepair } from "./recover-tail.ts";
