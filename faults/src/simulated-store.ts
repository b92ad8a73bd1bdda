import assert from "node:assert/strict";
import type { FileSystem } from "@holdfast/fsutil";
import { type FileStore, fileStore } from "@holdfast/storage";

const ROOT = "/store";

/** A store on a simulated disk. */
export function storeOn(fileSystem: FileSystem): FileStore {
  return fileStore(ROOT, { fileSystem, writerWaitMs: 0 });
}

/** Uses a store and closes it. */
export async function withStore<T>(
  fileSystem: FileSystem,
  use: (store: FileStore) => Promise<T>,
): Promise<T> {
  const store = storeOn(fileSystem);
  try {
    return await use(store);
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
  use: (store: FileStore) => Promise<T>,
): Promise<T> {
  for (const path of epochFiles(fileSystem, "/")) fileSystem.unlinkSync(path);
  return withStore(fileSystem, async (store) => {
    const found = await use(store);
    const errors = (await store.check()).filter(({ severity }) => severity === "error");
    assert.deepEqual(
      errors.map(({ path, message }) => `${path}: ${message}`),
      [],
    );
    return found;
  });
}

function epochFiles(fileSystem: FileSystem, folder: string): string[] {
  return fileSystem.readdirSync(folder).flatMap((name) => {
    const path = folder === "/" ? `/${name}` : `${folder}/${name}`;
    if (fileSystem.lstatSync(path)?.kind === "directory") return epochFiles(fileSystem, path);
    return name.startsWith("epoch-") ? [path] : [];
  });
}
