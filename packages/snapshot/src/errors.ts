/** What can go wrong with a snapshot. A code never changes within a major version; a message may. */
export type SnapshotErrorCode =
  /** The folder to take, verify or restore into is missing, or is not a folder. */
  | "SNAPSHOT_ROOT"
  /** A file kept changing while it was read. */
  | "SNAPSHOT_CHANGED"
  /** A file or folder vanished, or became something else, between being listed and being read. */
  | "SNAPSHOT_VANISHED"
  /** A file or folder cannot be read; the system error is the `cause`. */
  | "SNAPSHOT_UNREADABLE"
  /** There is no snapshot with this id in the store. */
  | "SNAPSHOT_MISSING"
  /** A manifest is not what its id says, or is not a manifest. */
  | "SNAPSHOT_DAMAGED"
  /** A manifest was written in a newer format. */
  | "SNAPSHOT_NEWER_VERSION"
  /** The content of a file is not in the store, or is damaged there. */
  | "SNAPSHOT_CONTENT"
  /** Two different snapshots have the same id. */
  | "SNAPSHOT_COLLISION"
  /** A manifest names a path that would leave the folder, or that two files would share. */
  | "SNAPSHOT_UNSAFE_PATH"
  /** A restore would overwrite what is not in the snapshot; nothing was written. */
  | "SNAPSHOT_CONFLICT"
  /** A restore could not write; what was written is whole, and a second restore completes it. */
  | "SNAPSHOT_IO";

/** A failure of a snapshot: what failed, on which path, why, and what to do. */
export class SnapshotError extends Error {
  override readonly name: string = "SnapshotError";
  readonly code: SnapshotErrorCode;
  /** The file, folder or snapshot id it is about. */
  readonly path: string;

  constructor(code: SnapshotErrorCode, message: string, options: { path: string; cause?: unknown }) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.path = options.path;
  }
}

/** A place where a restore would overwrite, or cannot write. */
export interface RestoreConflict {
  readonly path: string;
  /** `changed`: a file with other content; `not-a-file`: something that is no regular file; `folder`: a folder where a file belongs; `not-a-folder`: a file or symlink where a folder belongs. */
  readonly reason: "changed" | "not-a-file" | "folder" | "not-a-folder";
}

/** A restore that would overwrite changes: every conflict, and nothing written. */
export class SnapshotConflictError extends SnapshotError {
  override readonly name: string = "SnapshotConflictError";
  readonly conflicts: readonly RestoreConflict[];

  constructor(message: string, options: { path: string; conflicts: readonly RestoreConflict[] }) {
    super("SNAPSHOT_CONFLICT", message, options);
    this.conflicts = options.conflicts;
  }
}
