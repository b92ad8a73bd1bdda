import { basename, dirname, extname, join } from "node:path";
import type { FileSystem } from "@holdfast/fsutil";
import { nodeFileSystem } from "@holdfast/fsutil";

const STAMP = /^(\d{4}-\d{2}-\d{2}_\d{2}-\d{2}-\d{2})(?:_(\d{3,}))?$/;

/** A rotated file: its name tells when it was closed, and its place among those of the same second. */
export interface RotatedName {
  readonly name: string;
  readonly stamp: string;
  readonly ordinal: number;
}

/** `events.jsonl` -> [`events`, `.jsonl`]. */
function splitName(path: string): readonly [stem: string, extension: string] {
  const name = basename(path);
  const extension = extname(name);
  return [extension === "" ? name : name.slice(0, -extension.length), extension];
}

/** Reads the name of a rotated file of the log `path`; `undefined` when it is none. */
function parseRotatedName(path: string, name: string): RotatedName | undefined {
  const [stem, extension] = splitName(path);
  if (!name.startsWith(`${stem}_`) || !name.endsWith(extension)) return undefined;
  const match = STAMP.exec(name.slice(stem.length + 1, name.length - extension.length));
  if (match === null) return undefined;
  return { name, stamp: match[1] ?? "", ordinal: match[2] === undefined ? 1 : Number(match[2]) };
}

function compareRotated(a: RotatedName, b: RotatedName): number {
  if (a.stamp !== b.stamp) return a.stamp < b.stamp ? -1 : 1;
  return a.ordinal - b.ordinal;
}

/** The rotated files of a log, oldest first. */
export function rotatedFiles(path: string, fileSystem: FileSystem): RotatedName[] {
  const folder = dirname(path);
  if (fileSystem.statSync(folder) === undefined) return [];
  return fileSystem
    .readdirSync(folder)
    .map((name) => parseRotatedName(path, name))
    .filter((found) => found !== undefined)
    .toSorted(compareRotated);
}

/**
 * The name for the next rotated file: later in order than every name there is, whatever the clock says.
 * A clock that was set back takes the newest stamp again, with the next ordinal.
 */
export function nextRotatedName(
  path: string,
  existing: readonly RotatedName[],
  microseconds: bigint,
): string {
  const [stem, extension] = splitName(path);
  const now = new Date(Number(microseconds / 1_000n)).toISOString();
  const stampNow = `${now.slice(0, 10)}_${now.slice(11, 19).replaceAll(":", "-")}`;
  const newest = existing.at(-1);
  if (newest === undefined || stampNow > newest.stamp) return `${stem}_${stampNow}${extension}`;
  return `${stem}_${newest.stamp}_${String(newest.ordinal + 1).padStart(3, "0")}${extension}`;
}

/**
 * The files of a log in the order of their records: the rotated ones, oldest first, then the current one.
 *
 * A rotated file is named `<stem>_<YYYY-MM-DD_HH-MM-SS>[_<nnn>]<extension>`; times are UTC, and the ordinal `_002`, `_003`, ...
 * is there when the second was taken.
 *
 * @param path - The current file, which need not exist.
 * @param options - `fileSystem`: what to look at; default: the disk.
 * @returns Paths of files that exist.
 */
export function listLogFiles(path: string, options: { readonly fileSystem?: FileSystem } = {}): string[] {
  const { fileSystem = nodeFileSystem } = options;
  const files = rotatedFiles(path, fileSystem).map(({ name }) => join(dirname(path), name));
  if (fileSystem.lstatSync(path) !== undefined) files.push(path);
  return files;
}
