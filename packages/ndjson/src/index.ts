export { LogConflictError, LogDamagedError, LogError, type LogErrorCode } from "./errors.ts";
export { type InspectLogOptions, inspectLog, type LogReport } from "./inspect-log.ts";
export type { LogFormat, TornReason } from "./inspect-tail.ts";
export type { LogRecord, LogText } from "./iterate-lines.ts";
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
export { placeFromSummary } from "./log-summary.ts";
export { type Log, openLog } from "./open-log.ts";
export type { TornTail } from "./placed-blocks.ts";
export { readLines, readLog } from "./read-log.ts";
export { type LogBlock, type ReadLogBlocksOptions, readLogBlocks } from "./read-log-blocks.ts";
export type { ReadLogOptions } from "./read-options.ts";
export { type RecoverOptions, recoverTail, type TailRepair } from "./recover-tail.ts";
export { type ScanLogOptions, type ScannedLine, scanLog } from "./scan-log.ts";
export { type ByteLine, type SplitLinesOptions, splitLines } from "./split-lines.ts";
export { type TailLogOptions, tailLines, tailLog } from "./tail-log.ts";
