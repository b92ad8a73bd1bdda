import { hash } from "node:crypto";
import type { FileSystem, OpenFile } from "@holdfast/fsutil";
import { listLogFiles } from "@holdfast/ndjson";

/** So many bytes at the start of a file, and before the end of what was indexed, tell whether it is still the same. */
const SAMPLE_BYTES = 4_096;
/** More than this after the end of a file that was put aside is not a torn line. */
const MAX_TORN_BYTES = 1024 * 1024;

/** A file of a log as it is now. */
export interface ListedFile {
  readonly path: string;
  readonly inode: bigint;
  readonly size: number;
  readonly mtimeNs: bigint;
}

/** A file of a log as it was when its lines were indexed. */
export interface SeenFile extends ListedFile {
  /** Where the last line that was indexed ends. */
  readonly end: number;
  /** Checksum of its first bytes and of those before `end`. */
  readonly sample: string;
  /** Whether `size` and `mtimeNs` were taken when the file had been put aside: it does not change any more. */
  readonly isSettled: boolean;
}

/** The files of a log in order; what vanishes while they are looked at is left out. */
export function listedFiles(path: string, fileSystem: FileSystem): ListedFile[] {
  for (let tries = 0; ; tries += 1) {
    const current = fileSystem.statSync(path)?.ino;
    const listed = listLogFiles(path, { fileSystem })
      .map((each) => listedFile(each, fileSystem))
      .filter((each) => each !== undefined);
    // A rotation in between hides a file, or shows it twice.
    if (fileSystem.statSync(path)?.ino === current || tries > 5) return listed;
  }
}

function listedFile(path: string, fileSystem: FileSystem): ListedFile | undefined {
  const found = fileSystem.statSync(path);
  if (found?.kind !== "file") return undefined;
  return { path, inode: found.ino, size: found.size, mtimeNs: found.mtimeNs };
}

/** A file that was listed and of which no line was indexed yet. */
export function unseen(file: ListedFile): SeenFile {
  return { ...file, size: -1, end: 0, sample: "", isSettled: false };
}

/** Checksum of the first bytes of a file and of those before `end`; `undefined` when it has not so many. */
export function sampleOf(file: OpenFile, end: number): string | undefined {
  const length = Math.min(SAMPLE_BYTES, end);
  const head = readAt(file, 0, length);
  const tail = readAt(file, end - length, length);
  if (head === undefined || tail === undefined) return undefined;
  return hash("sha1", Buffer.concat([head, tail]), "hex");
}

/**
 * Compares a file with what it was. Appending to it, and putting it aside, changes nothing of what was indexed; everything else does.
 *
 * @param isLast - Whether no line of a later file was indexed.
 * @param isCurrent - Whether it is the last file there is.
 * @returns The file as it is now; `undefined` when it is not the same any more.
 */
export function compareFile(
  seen: SeenFile,
  now: ListedFile | undefined,
  place: { readonly isLast: boolean; readonly isCurrent: boolean },
  fileSystem: FileSystem,
): SeenFile | undefined {
  if (now === undefined || now.inode !== seen.inode || now.size < seen.end) return undefined;
  const isSettled = !place.isCurrent;
  if (now.size === seen.size && now.mtimeNs === seen.mtimeNs) {
    return seen.path === now.path && seen.isSettled === isSettled
      ? seen
      : { ...seen, path: now.path, isSettled };
  }
  if (seen.isSettled || now.size === seen.size) return undefined; // written to after it was put aside, or edited in place
  const file = openSeen(now, fileSystem);
  if (file === undefined) return undefined;
  try {
    if (sampleOf(file, seen.end) !== seen.sample) return undefined;
    if (!place.isLast && hasMoreLines(file, seen.end, now.size)) return undefined;
  } finally {
    file.closeSync();
  }
  return { ...seen, ...now, isSettled };
}

/** Opens a file that was listed; `undefined` when another one has its name by now, or none. */
export function openSeen(seen: ListedFile, fileSystem: FileSystem): OpenFile | undefined {
  let file: OpenFile;
  try {
    file = fileSystem.openSync(seen.path, "read");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
  if (file.statSync().ino === seen.inode) return file;
  file.closeSync();
  return undefined;
}

/** Reads exactly so many bytes, into a buffer of that length; `undefined` when the file ends before. */
export function readAt(
  file: OpenFile,
  offset: number,
  length: number,
  bytes: Buffer = Buffer.allocUnsafe(length),
): Buffer | undefined {
  for (let done = 0; done < length; ) {
    const count = file.readSync(bytes.subarray(done), offset + done);
    if (count === 0) return undefined;
    done += count;
  }
  return bytes;
}

function hasMoreLines(file: OpenFile, from: number, to: number): boolean {
  if (to - from > MAX_TORN_BYTES) return true;
  return readAt(file, from, to - from)?.includes(0x0a) ?? true;
}
