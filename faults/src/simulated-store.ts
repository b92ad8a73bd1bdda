import assert from "node:assert/strict";
import type { FileSystem } from "@holdfast/fsutil";
import { type Clock, type FileStore, fileStore } from "@holdfast/storage";
import { withDeadHolders } from "./dead-holders.ts";

const ROOT = "/store";

/** Microseconds since 1970 at which the work of each feature begins, so that it writes the same each time. */
const START = 1_767_323_045_000_000n;
const HOUR = 3_600_000_000n;

function clockFrom(start: bigint): Clock {
  let now = start;
  return () => (now += 1n);
}

/** Uses a store on a simulated disk, with the clock it has, and closes it. */
export async function withStore<T>(
  fileSystem: FileSystem,
  use: (store: FileStore, clock: Clock) => Promise<T>,
  start = START,
): Promise<T> {
  const clock = clockFrom(start);
  const store = fileStore(ROOT, { fileSystem, writerWaitMs: 0, clock });
  try {
    return await use(store, clock);
  } finally {
    await store.close().catch(() => undefined); // a disk that fails may fail here too; what counts is what was acknowledged
  }
}

/**
 * Opens the store that a crash left, as the next process would, uses it, and checks that it claims nothing false.
 *
 * @param unsynced - The ending of files that are not synced with each line: where a disk kept later lines and lost earlier ones, they have
 *   holes, and those are told.
 */
export async function afterCrash<T>(
  fileSystem: FileSystem,
  use: (store: FileStore, clock: Clock) => Promise<T>,
  unsynced?: string,
): Promise<T> {
  const check = async (store: FileStore, clock: Clock): Promise<T> => {
    const found = await use(store, clock);
    const errors = (await store.check()).filter(
      ({ severity, path }) => severity === "error" && (unsynced === undefined || !path.endsWith(unsynced)),
    );
    assert.deepEqual(
      errors.map(({ path, message }) => `${path}: ${message}`),
      [],
    );
    return found;
  };
  return withStore(withDeadHolders(fileSystem), check, START + HOUR);
}
