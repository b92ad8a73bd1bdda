import { lstatSync } from "node:fs";
import { join } from "node:path";
import type { FileStore } from "@holdfast/storage";

/** A file of a store: how large it is and when it was last written. */
export interface FileAge {
  /** Path below the root. */
  readonly path: string;
  readonly bytes: number;
  /** Milliseconds since it was written, by the clock of this machine. */
  readonly ageMs: number;
}

/** Size and age of a file below the root of a store; `undefined` when there is none. */
export function ageOf(store: FileStore, path: string, nowMs: number): FileAge | undefined {
  const stat = lstatSync(join(store.root, path), { throwIfNoEntry: false });
  if (stat === undefined || !stat.isFile()) return undefined;
  return { path, bytes: stat.size, ageMs: nowMs - stat.mtimeMs };
}

/** Size and age of a document, in whichever form it is kept: plain, compressed, or both. */
export function ageOfDocument(store: FileStore, key: string, nowMs: number): FileAge | undefined {
  const plain = store.locate({ document: key });
  const forms = [plain, `${plain}.zst`]
    .map((path) => ageOf(store, path, nowMs))
    .filter((age) => age !== undefined);
  const [first] = forms;
  if (first === undefined) return undefined;
  return {
    path: first.path,
    bytes: forms.reduce((sum, { bytes }) => sum + bytes, 0),
    ageMs: Math.min(...forms.map(({ ageMs }) => ageMs)),
  };
}
