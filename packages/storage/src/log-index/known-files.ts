import type { FileSystem, OpenFile } from "@holdfast/fsutil";
import type { LogStart } from "@holdfast/ndjson";
import { StaleIndexError } from "./index-database.ts";
import {
  compareFile,
  type ListedFile,
  listedFiles,
  openSeen,
  type SeenFile,
  sampleOf,
  unseen,
} from "./seen-files.ts";
import type { Segment } from "./segment.ts";

/** How the files of a log differ from what they were; `cutFrom`: the first that is not what was indexed any more. */
export type FileChange = "same" | "more" | { readonly cutFrom: number };

/** The files of a log in their order, as they were when their lines were indexed. A file is named by its place in it, from 0. */
export class KnownFiles {
  readonly #path: string;
  readonly #fileSystem: FileSystem;
  #seen: SeenFile[] = [];

  constructor(path: string, fileSystem: FileSystem) {
    this.#path = path;
    this.#fileSystem = fileSystem;
  }

  /** The files as they are now. */
  list(): ListedFile[] {
    return listedFiles(this.#path, this.#fileSystem);
  }

  /** Takes files over that were known before. */
  restore(files: readonly SeenFile[]): void {
    this.#seen = [...files];
  }

  /** Compares files with what they were, and takes over what appending and rotating changed. */
  compare(files: readonly ListedFile[]): FileChange {
    const lastWithLines = this.#seen.findLastIndex(({ end }) => end > 0);
    let isSame = files.length === this.#seen.length;
    for (const [index, seen] of this.#seen.entries()) {
      const place = { isLast: index >= lastWithLines, isCurrent: index === files.length - 1 };
      const now = compareFile(seen, files[index], place, this.#fileSystem);
      if (now === undefined) return { cutFrom: index };
      if (now.size !== seen.size || now.mtimeNs !== seen.mtimeNs) isSame = false;
      this.#seen[index] = now;
    }
    return isSame ? "same" : "more";
  }

  /** Adds files that were listed after those that are known. */
  add(files: readonly ListedFile[]): void {
    for (const file of files.slice(this.#seen.length)) this.#seen.push(unseen(file));
  }

  /** The file with an inode, from a place on; `isNew`: it was not known. */
  placeOf(
    { inode, path }: Pick<LogStart, "inode" | "path">,
    from: number,
  ): { readonly file: number; readonly isNew: boolean } {
    const found = this.#seen.findIndex((each, index) => index >= from && each.inode === inode);
    if (found !== -1) return { file: found, isNew: false };
    const file = this.#seen.push(unseen({ path, inode, size: -1, mtimeNs: -1n })) - 1;
    return { file, isNew: true };
  }

  /** Where the lines go on that were not indexed yet, the first of which has this position; `undefined`: at the start. */
  end(position: number): { readonly at: LogStart; readonly file: number } | undefined {
    const index = this.#seen.findLastIndex(({ end }) => end > 0);
    const file = this.#seen[index];
    if (file === undefined) return undefined;
    return { at: { path: file.path, inode: file.inode, position, line: 1, offset: file.end }, file: index };
  }

  /** Notes how far a file was indexed. */
  noteEnd(index: number, end: number): void {
    const seen = this.#seen[index];
    if (seen !== undefined) this.#seen[index] = { ...seen, end, sample: this.#sample(index, end) };
  }

  /** Notes that files were indexed as far as they went when they were listed. */
  noteAll(files: readonly ListedFile[]): void {
    for (const [index, { size, mtimeNs }] of files.entries()) {
      const seen = this.#seen[index];
      if (seen !== undefined)
        this.#seen[index] = { ...seen, size, mtimeNs, isSettled: index < files.length - 1 };
    }
  }

  /** How many files that were put aside end in the middle of a line. */
  get torn(): number {
    return this.#seen.filter(({ isSettled, size, end }) => isSettled && size > end).length;
  }

  /** The files of segments, as they were when these were made. */
  of(segments: readonly Pick<Segment, "header">[]): SeenFile[] {
    const last = segments.at(-1)?.header.spans.at(-1);
    if (last === undefined) return [];
    return this.#seen.slice(0, last.file + 1).map((file, index) => {
      if (index < last.file || file.end === last.end) return file;
      return { ...file, size: -1, end: last.end, sample: this.#sample(index, last.end), isSettled: false };
    });
  }

  /** Opens a file, whatever its name is by now. */
  open(index: number): OpenFile {
    const seen = this.#seen[index];
    const open = seen === undefined ? undefined : openSeen(seen, this.#fileSystem);
    if (open !== undefined) return open;
    for (const { inode, path: now } of this.list()) {
      if (seen === undefined || inode !== seen.inode) continue;
      this.#seen[index] = { ...seen, path: now };
      const again = openSeen({ ...seen, path: now }, this.#fileSystem);
      if (again !== undefined) return again;
    }
    throw new StaleIndexError("a file of the log is gone", { isDamaged: false });
  }

  #sample(index: number, end: number): string {
    const open = this.open(index);
    try {
      const sample = sampleOf(open, end);
      if (sample === undefined) throw changedFile();
      return sample;
    } finally {
      open.closeSync();
    }
  }
}

/** That bytes are not those that were indexed. */
export function changedFile(): StaleIndexError {
  return new StaleIndexError("a file is not what was indexed", { isDamaged: true });
}
