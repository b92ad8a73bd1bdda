export {
  type Durability,
  type FileContent,
  type WriteFileAtomicOptions,
  type WriteFileAtomicSyncOptions,
  writeFileAtomic,
  writeFileAtomicSync,
} from "./atomic-write.ts";
export {
  claimDirectorySync,
  type EnsureDirectoryOptions,
  ensureDirectory,
  ensureDirectorySync,
} from "./ensure-directory.ts";
export {
  FileError,
  type FileErrorCode,
  type FileErrorOptions,
  FileNotJsonError,
  FileSchemaError,
  LockHeldError,
  PathEscapeError,
} from "./errors.ts";
export type { FileStat, FileSystem, OpenFile, OpenMode, SyncKind } from "./file-system.ts";
export {
  type DocumentSchema,
  type ReadJsonOptions,
  readJson,
  type SchemaIssue,
  type WriteJsonOptions,
  writeJsonAtomic,
} from "./json-file.ts";
export { parseJsonStrict } from "./json-text.ts";
export { type RemoveLeftoversOptions, removeLeftovers } from "./leftovers.ts";
export { type AcquireLockOptions, acquireLock, breakLock, type Lock, readLockHolder } from "./lock.ts";
export type { LockHolder } from "./lock-holder.ts";
export { nodeFileSystem } from "./node-file-system.ts";
export { type OpenInsideOptions, openInside, openInsideSync } from "./open-inside.ts";
export { readFileLimited, readFileLimitedSync } from "./read-file.ts";
export { type RemoveFileOptions, removeFile } from "./remove-file.ts";
export { resolveInside, resolveInsideSync } from "./resolve-inside.ts";
export { syncDirectory, syncDirectorySync } from "./sync-directory.ts";
export { type FileOperation, type FileSystemWrapper, wrapFileSystem } from "./wrap-file-system.ts";
