export {
  type ChangedFile,
  diffSnapshots,
  type FilesOfSnapshot,
  type RenamedFile,
  type SnapshotDiff,
} from "./diff-snapshots.ts";
export {
  type RestoreConflict,
  SnapshotConflictError,
  SnapshotError,
  type SnapshotErrorCode,
} from "./errors.ts";
export { DEFAULT_EXCLUDE, IGNORE_FILE } from "./ignore-rules.ts";
export { DEFAULT_INCLUDE } from "./include.ts";
export {
  SNAPSHOT_ID_PATTERN,
  type SnapshotFile,
  type SnapshotManifest,
  snapshotFileSchema,
  snapshotIdSchema,
  snapshotManifestSchema,
} from "./manifest.ts";
export {
  type RestoreProgress,
  type RestoreResult,
  type RestoreSnapshotOptions,
  restoreSnapshot,
} from "./restore-snapshot.ts";
export type { SkipReason, SnapshotWarning } from "./skipped.ts";
export { type IdentifiedFile, snapshotIdOf } from "./snapshot-id.ts";
export { type SaveSnapshotOptions, type SnapshotStore, snapshotStore } from "./snapshot-store.ts";
export {
  type SnapshotProgress,
  snapshotSize,
  type TakeSnapshotOptions,
  takeSnapshot,
} from "./take-snapshot.ts";
export {
  type BadContent,
  type SnapshotReport,
  type VerifyProgress,
  type VerifySnapshotOptions,
  verifySnapshot,
} from "./verify-snapshot.ts";
