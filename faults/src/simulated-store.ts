import assert from "node:assert/strict";
import type { FileSystem } from "@holdfast/fsutil";
import { type Clock, type FileStore, fileStore } from "@holdfast/storage";

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
 * The holders of its locks died with the crash. This process stands in for them and lives, so their locks are taken away first.
 */
export async function afterCrash<T>(
  fileSystem: FileSystem,
  use: (store: FileStore, clock: Clock) => Promise<T>,
): Promise<T> {
  for (const path of epochFiles(fileSystem, "/")) fileSystem.unlinkSync(path);
  const check = async (store: FileStore, clock: Clock): Promise<T> => {
    const found = await use(store, clock);
    const errors = (await store.check()).filter(({ severity }) => severity === "error");
    assert.deepEqual(
      errors.map(({ path, message }) => `${path}: ${message}`),
      [],
    );
    return found;
  };
  return withStore(fileSystem, check, START + HOUR);
}

function epochFiles(fileSystem: FileSystem, folder: string): string[] {
  return fileSystem.readdirSync(folder).flatMap((name) => {
    const path = folder === "/" ? `/${name}` : `${folder}/${name}`;
    if (fileSystem.lstatSync(path)?.kind === "directory") return epochFiles(fileSystem, path);
    return name.startsWith("epoch-") ? [path] : [];
  });
}
