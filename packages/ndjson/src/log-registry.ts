import { basename, dirname, join } from "node:path";
import type { FileSystem } from "@holdfast/fsutil";
import { LogError } from "./errors.ts";

// One process must not open a log twice by mistake; other processes are kept out by the lock of whoever owns the log.
const open = new WeakMap<FileSystem, Set<string>>();

/** Enters a log as open for appending; gives the function that takes it out again. Throws `LOG_HELD`. */
export function holdLog(path: string, fileSystem: FileSystem): () => void {
  const key = join(fileSystem.realpathSync(dirname(path)), basename(path));
  const held = open.get(fileSystem) ?? new Set<string>();
  open.set(fileSystem, held);
  if (held.has(key)) {
    throw new LogError(
      "LOG_HELD",
      `Cannot open "${path}": it is open for appending in this process already; share that log, or close it first`,
      { path },
    );
  }
  held.add(key);
  return () => held.delete(key);
}
