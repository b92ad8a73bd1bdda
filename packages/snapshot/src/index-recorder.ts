import type { HashedFiles } from "./hash-files.ts";
import { FOLDER, RACY, SKIPPED, TreeIndex } from "./tree-index.ts";

/** Writes the index of a walk. As long as everything is as in the old one, nothing is written at all. */
export class IndexRecorder {
  readonly old: TreeIndex | undefined;
  readonly #written = new TreeIndex();
  /** How many items of the old index have been kept, each in its place; -1: something differed. */
  #kept: number;

  constructor(old: TreeIndex | undefined) {
    this.old = old;
    this.#kept = old === undefined ? -1 : 0;
  }

  /** Whether everything is as the old index says; to be asked at the end. */
  get isUnchanged(): boolean {
    return this.#kept >= 0 && this.#kept === this.old?.count;
  }

  /** The index; to be asked at the end. The old one itself when nothing differed. */
  get index(): TreeIndex {
    if (this.old !== undefined && this.isUnchanged) return this.old;
    this.#differ();
    return this.#written;
  }

  /** Takes an item of the old index over; gives its place in this one. */
  keep(old: TreeIndex, item: number): number {
    if (this.#kept === item) return this.#kept++;
    this.#differ();
    return this.#written.copy(old, item);
  }

  /** Adds an item; gives its place. */
  push(kind: number, name: string, aux: number, flags: number): number {
    this.#differ();
    return this.#written.push(kind, name, aux, flags);
  }

  setStats(at: number, first: bigint, mtimeNs: bigint, ctimeNs: bigint, ino: bigint): void {
    this.#written.setStats(at, first, mtimeNs, ctimeNs, ino);
  }

  /** Fills in files that were added one after the other. */
  setFiles(at: number, hashed: HashedFiles, from: number, count: number, flags: Uint8Array): void {
    this.#written.setFiles(at, hashed, from, count, flags);
  }

  /** Leaves a file out that was added. */
  skip(at: number): void {
    this.#written.flags[at] = RACY | SKIPPED;
  }

  /** Ends a folder: what was added since is in it. */
  close(folder: number): void {
    if (this.#kept >= 0) {
      if (this.old?.kinds[folder] === FOLDER && this.old.after(folder) === this.#kept) return;
      this.#differ();
    }
    this.#written.aux[folder] = this.#written.count - folder - 1;
  }

  #differ(): void {
    if (this.#kept < 0 || this.old === undefined) return;
    for (let item = 0; item < this.#kept; item++) this.#written.copy(this.old, item);
    this.#kept = -1;
  }
}
