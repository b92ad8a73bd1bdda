import { lstatSync } from "node:fs";
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
  const stat = lstatSync(join(store.root, path), { throwIfNoEntry: false, bigint: true });
  if (stat === undefined || !stat.isFile()) return undefined;
  return { path, bytes: Number(stat.size), mtimeNs: stat.mtimeNs };
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
