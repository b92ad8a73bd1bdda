import { hash } from "node:crypto";
import { dirname, join, resolve } from "node:path";
import { type FileStat, type FileSystem, nodeFileSystem, type OpenFile } from "@holdfast/fsutil";
import { systemCode } from "./errors.ts";
import { readAtSync } from "./inspect-tail.ts";
import { startAt } from "./line-index.ts";
import { type LinePlace, LinePlaces } from "./line-places.ts";
import { rotatedFiles } from "./log-files.ts";
import type { LogStart } from "./log-options.ts";

/** So many bytes at the start of a file, and before the end of what was counted, tell whether it is still the same. */
const SAMPLE_BYTES = 4_096;

/** What was counted of a log's current file. */
export interface CountedFile {
  readonly inode: string;
  /** Bytes that were counted; all of them were on stable storage. */
  readonly size: number;
  readonly lines: number;
  /** When the file had that size, it had this time. */
  readonly mtimeNs: string;
  readonly sample: string;
  readonly step: number;
  readonly places: readonly LinePlace[];
}

/** What was counted of a file that was put aside: it does not change any more. */
export interface CountedRotated {
  readonly name: string;
  readonly inode: string;
  readonly size: number;
  readonly mtimeNs: string;
  readonly lines: number;
}

/**
 * What is known of the files of a log, so that opening it, or reading from the middle, need not begin at its first line. The files
 * stay the truth: what does not fit them is not used.
 */
export interface LogSummary {
  readonly current: CountedFile;
  readonly rotated: readonly CountedRotated[];
}

/** A summary as a text that tells when it was changed. */
export function encodeSummary(summary: LogSummary): string {
  const { current, rotated } = summary;
  const places = current.places.flatMap(({ line, offset }) => [line, offset]);
  const body = JSON.stringify({ format: 1, current: { ...current, places }, rotated });
  return `${checkOf(body)} ${body}\n`;
}

/** The summary in a text; `undefined` for one that was changed, is not whole, or was made by another version. */
export function decodeSummary(text: string): LogSummary | undefined {
  const body = text.slice(text.indexOf(" ") + 1, -1);
  if (text !== `${checkOf(body)} ${body}\n`) return undefined;
  const { format, current, rotated } = JSON.parse(body) as Encoded; // whole, so it is what was written
  if (format !== 1) return undefined;
  const places: LinePlace[] = [];
  for (let at = 0; at < current.places.length; at += 2)
    places.push({ line: current.places[at] ?? 1, offset: current.places[at + 1] ?? 0 });
  return { current: { ...current, places }, rotated };
}

interface Encoded {
  readonly format: number;
  readonly current: Omit<CountedFile, "places"> & { readonly places: readonly number[] };
  readonly rotated: readonly CountedRotated[];
}

function checkOf(body: string): string {
  return hash("sha256", body, "hex").slice(0, 32);
}

/** What is to be said of an open file that was counted to its end. */
export function countedFile(file: OpenFile, lines: number, places: LinePlaces): CountedFile {
  const { size, ino, mtimeNs } = file.statSync();
  return {
    inode: String(ino),
    size,
    lines,
    mtimeNs: String(mtimeNs),
    sample: sampleOf(file, size),
    step: places.step,
    places: places.all,
  };
}

/** What is to be said of a file that was put aside. */
export function countedRotated(
  name: string,
  { ino, size, mtimeNs }: FileStat,
  lines: number,
): CountedRotated {
  return { name, inode: String(ino), size, mtimeNs: String(mtimeNs), lines };
}

/** Whether a file begins with what was counted: it may have grown since, and nothing else. */
export function fits(counted: CountedFile, file: OpenFile): boolean {
  const { ino, size, mtimeNs } = file.statSync();
  if (counted.inode !== String(ino) || size < counted.size) return false;
  if (size === counted.size && counted.mtimeNs !== String(mtimeNs)) return false; // edited in place
  return counted.sample === sampleOf(file, counted.size);
}

/** Whether a file that was put aside is still the one that was counted. */
export function fitsRotated(counted: CountedRotated | undefined, { ino, size, mtimeNs }: FileStat): boolean {
  return counted?.inode === String(ino) && counted.size === size && counted.mtimeNs === String(mtimeNs);
}

function sampleOf(file: OpenFile, end: number): string {
  const length = Math.min(SAMPLE_BYTES, end);
  const parts = [readAtSync(file, 0, length), readAtSync(file, end - length, length)];
  return hash("sha256", Buffer.concat(parts), "hex");
}

/**
 * A place to start reading a log at, from a summary of it.
 *
 * @param path - The current file of the log.
 * @param text - What `onSummary` of `openLog` was given, at any time before.
 * @param position - Position of the first record that is wanted, from 1.
 * @param options - `fileSystem`: what to look at; default: the disk.
 * @returns A place at or before that position; `undefined` when the summary does not fit the files any more.
 * @throws The system's error when a file cannot be read.
 */
export function placeFromSummary(
  path: string,
  text: string,
  position: number,
  options: { readonly fileSystem?: FileSystem } = {},
): LogStart | undefined {
  const { fileSystem = nodeFileSystem } = options;
  const target = resolve(path);
  const summary = decodeSummary(text);
  if (summary === undefined) return undefined;
  const file = openIfThere(target, fileSystem);
  if (file === undefined) return undefined;
  try {
    if (!fits(summary.current, file)) return undefined;
    let before = 0;
    const known = new Map(summary.rotated.map((each) => [each.name, each]));
    for (const { name } of rotatedFiles(target, fileSystem)) {
      const found = join(dirname(target), name);
      const stat = fileSystem.lstatSync(found);
      const counted = known.get(name);
      if (stat === undefined || counted === undefined || !fitsRotated(counted, stat)) return undefined;
      if (position <= before + counted.lines) return startAt(found, stat.ino, before, { line: 1, offset: 0 });
      before += counted.lines;
    }
    const places = new LinePlaces(summary.current.places, summary.current.step);
    return startAt(target, file.statSync().ino, before, places.before(position - before));
  } finally {
    file.closeSync();
  }
}

function openIfThere(path: string, fileSystem: FileSystem): OpenFile | undefined {
  try {
    return fileSystem.openSync(path, "read");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  }
}
