import { join } from "node:path";
import type { FileStore } from "@holdfast/storage";
import type { AgeClock } from "./age-clock.ts";

/** A file of a store: how large it is and when it was last written. */
export interface StoredFile {
  /** Path below the root. */
  readonly path: string;
  readonly bytes: number;
  /** When it was last written, by the file system: two that differ tell that it was written, or asked for, in between. */
  readonly mtimeNs: bigint;
}

/** A file below the root of a store; `undefined` when there is none. */
export function storedFile(store: FileStore, path: string): StoredFile | undefined {
  const stat = store.fileSystem.lstatSync(join(store.root, path));
  return stat?.kind === "file" ? { path, bytes: stat.size, mtimeNs: stat.mtimeNs } : undefined;
}

/** Names in a folder below the root of a store; none when there is no such folder. */
export function namesIn(store: FileStore, folder: string): readonly string[] {
  try {
    return store.fileSystem.readdirSync(join(store.root, folder));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

/** The file of a document, in whichever form it is kept: plain, compressed, or both. */
export function storedDocument(store: FileStore, key: string): StoredFile | undefined {
  const plain = store.locate({ document: key });
  const forms = [plain, `${plain}.zst`]
    .map((path) => storedFile(store, path))
    .filter((file) => file !== undefined);
  const [first] = forms;
  if (first === undefined) return undefined;
  return {
    path: first.path,
    bytes: forms.reduce((sum, { bytes }) => sum + bytes, 0),
    mtimeNs: forms.reduce((latest, { mtimeNs }) => (mtimeNs > latest ? mtimeNs : latest), first.mtimeNs),
  };
}

/** Milliseconds since a file was written; below 0 for one that was written when the clock was ahead. */
export function ageOf({ mtimeNs }: StoredFile, clock: AgeClock): number {
  return clock.nowMs() - Number(mtimeNs) / 1e6;
}
