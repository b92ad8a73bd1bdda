import { type Store, StoreError } from "@holdfast/storage";
import { CheckpointSaveError } from "./errors.ts";

/** What is being saved. */
export interface SaveSubject {
  /** As in `Cannot save the checkpoint of turn 5`. */
  readonly what: string;
  readonly path: string;
}

/** The error for what cannot be saved as it was given. */
export function invalid({ what, path }: SaveSubject, reason: string, cause?: unknown): CheckpointSaveError {
  return new CheckpointSaveError(
    "CHECKPOINT_INVALID",
    `Cannot save ${what}: ${reason}; nothing was written`,
    {
      path,
      cause,
    },
  );
}

/** The error for another content under the same name. */
export function conflict({ what, path }: SaveSubject, reason: string, cause?: unknown): CheckpointSaveError {
  return new CheckpointSaveError("CHECKPOINT_CONFLICT", `Cannot save ${what} to "${path}": ${reason}`, {
    path,
    cause,
  });
}

/**
 * What a store threw when it wrote, as an error of this package. That the run was lost to another holder, or that the store was closed, passes
 * unchanged: nothing is wrong with the disk then.
 */
function asSaveError(error: unknown, { what, path }: SaveSubject): unknown {
  if (!(error instanceof StoreError) || error.code === "STORE_FENCED" || error.code === "STORE_CLOSED")
    return error;
  const message = `Cannot save ${what} to "${path}": ${error.message}; what was saved before is whole: ${adviceFor(error)}`;
  return new CheckpointSaveError("CHECKPOINT_SAVE", message, { path, cause: error });
}

function adviceFor({ code }: StoreError): string {
  if (code === "STORE_NO_SPACE") return "make room, then resume the run";
  if (code === "STORE_READ_ONLY") return "make the store writable, then resume the run";
  return "see to the cause, then resume the run";
}

/** Runs a write, with the errors of this package. */
export async function saving<T>(subject: SaveSubject, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    throw asSaveError(error, subject);
  }
}

/** A subject, with its place in the store, which is looked for when somebody is told of it. */
export function subjectOf(store: Store, key: string, what: string): SaveSubject {
  return {
    what,
    get path() {
      return store.locate({ document: key });
    },
  };
}
