/**
 * Why something could not be saved. Nothing that was saved before is touched.
 *
 * - `CHECKPOINT_SAVE`: the store failed; the cause says how (no space, read-only, ...).
 * - `CHECKPOINT_INVALID`: what was given is no state, or no results: not plain JSON, without a turn, too large to be read back.
 * - `CHECKPOINT_CONFLICT`: another content is kept under that name, and what is written once is never changed.
 */
export type CheckpointSaveErrorCode = "CHECKPOINT_SAVE" | "CHECKPOINT_INVALID" | "CHECKPOINT_CONFLICT";

/**
 * Why something could not be loaded.
 *
 * - `CHECKPOINT_MISSING`: there is none.
 * - `CHECKPOINT_NOT_JSON`: cut off, or changed, so that it cannot be read.
 * - `CHECKPOINT_SCHEMA`: JSON, but no checkpoint.
 * - `CHECKPOINT_TURN`: its name, its turn and its state do not name the same turn.
 * - `CHECKPOINT_CHECKSUM`: the state is not the one that was saved.
 * - `CHECKPOINT_NEWER_VERSION`: written by a newer version.
 * - `CHECKPOINT_IO`: the store failed to read it; the cause says how.
 */
export type CheckpointLoadErrorCode =
  | "CHECKPOINT_MISSING"
  | "CHECKPOINT_NOT_JSON"
  | "CHECKPOINT_SCHEMA"
  | "CHECKPOINT_TURN"
  | "CHECKPOINT_CHECKSUM"
  | "CHECKPOINT_NEWER_VERSION"
  | "CHECKPOINT_IO";

/**
 * Why a patch could not be applied. The value is as it was.
 *
 * - `PATCH_INVALID`: an operation is none, or names a place that is not there.
 * - `PATCH_TEST`: a `test` found another value.
 */
export type JsonPatchErrorCode = "PATCH_INVALID" | "PATCH_TEST";

/** Every code of this package. `RUN_ID_COLLISION`: all ids of a second are taken. */
export type CheckpointErrorCode =
  | CheckpointSaveErrorCode
  | CheckpointLoadErrorCode
  | JsonPatchErrorCode
  | "RUN_ID_COLLISION";

/** The base of every error of this package; match on `code`. */
export class CheckpointError extends Error {
  override readonly name: string = "CheckpointError";
  readonly code: CheckpointErrorCode;
  /** Where, for people: on files the path below the root; of a patch the place in the value. */
  readonly path: string;

  constructor(
    code: CheckpointErrorCode,
    message: string,
    options: { readonly path: string; readonly cause?: unknown },
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.path = options.path;
  }
}

/** Something could not be saved. Everything that was saved before is whole. */
export class CheckpointSaveError extends CheckpointError {
  override readonly name: string = "CheckpointSaveError";
  declare readonly code: CheckpointSaveErrorCode;
}

/** Something could not be loaded. */
export class CheckpointLoadError extends CheckpointError {
  override readonly name: string = "CheckpointLoadError";
  declare readonly code: CheckpointLoadErrorCode;
}

/** `RUN_ID_COLLISION`: all 99 ids that a name has in one second are taken. */
export class RunIDCollisionError extends CheckpointError {
  override readonly name: string = "RunIDCollisionError";
  declare readonly code: "RUN_ID_COLLISION";
}

/** A patch could not be applied; `path` is the JSON Pointer of the operation. */
export class JsonPatchError extends CheckpointError {
  override readonly name: string = "JsonPatchError";
  declare readonly code: JsonPatchErrorCode;
}
