import { acquireLock, breakLock, type FileSystem, type Lock, LockHeldError } from "@holdfast/fsutil";
import { StoreHeldError } from "./errors.ts";

/** The lock of a log, and whose it is. */
export interface WriterLockOptions {
  readonly key: string;
  readonly path: string;
  /** Folder of the lock that keeps other writers out. */
  readonly lockPath: string;
  /** How long to wait for another writer. */
  readonly waitMs: number;
  readonly fileSystem: FileSystem;
}

/**
 * Takes the lock that makes this process the only writer of a log.
 *
 * @param item - The item of the fence that the log is written under.
 * @throws {StoreHeldError} `STORE_HELD`
 */
export async function lockForWriting(options: WriterLockOptions, item: string | undefined): Promise<Lock> {
  const { lockPath, waitMs, fileSystem, key } = options;
  const under = item === undefined ? "" : ` under ${item}`;
  const lockOptions = { worker: `writer of ${key}${under}`, fileSystem };
  try {
    return await acquireLock(lockPath, lockOptions);
  } catch (error) {
    if (!(error instanceof LockHeldError)) throw error;
    // Whoever wrote this log under the item that we hold now has lost it: a person broke a lock whose holder cannot be seen, and
    // waiting for it is no use. A holder that can be seen to live keeps its lock all the same.
    const { holder } = error;
    if (under !== "" && holder?.worker.endsWith(under) === true) {
      await breakLock(lockPath, { ...lockOptions, token: holder.token }).catch(ignoreHeld);
    }
  }
  try {
    return await acquireLock(lockPath, { ...lockOptions, waitMs });
  } catch (error) {
    throw error instanceof LockHeldError ? heldError(options, error) : error;
  }
}

/** It lives after all, or somebody else was quicker: then it is waited for. */
function ignoreHeld(error: unknown): void {
  if (!(error instanceof LockHeldError)) throw error;
}

function heldError({ key, path }: WriterLockOptions, error: LockHeldError): StoreHeldError {
  const { worker = "unknown", token = 0, pid, host, since } = error.holder ?? {};
  const who = pid === undefined ? "another process" : `process ${pid} on ${host} since ${since}`;
  return new StoreHeldError(
    `Cannot append to "${key}": ${who} is writing it; wait until it is done, or end that process`,
    {
      path,
      cause: error,
      holder: {
        worker,
        token,
        ...(pid !== undefined && { pid }),
        ...(host !== undefined && { host }),
        ...(since !== undefined && { since }),
      },
    },
  );
}
