import * as fs from "node:fs";

import { SnapshotError } from "./errors.ts";

// Some are absent on Windows, where nothing like a FIFO can be in the way.
const constants: Partial<typeof fs.constants> = fs.constants;
const { O_RDONLY = 0, O_DIRECTORY = 0, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants;
const LARGEST_RULES = 1024 * 1024;

/** What a name in a folder is that is neither file nor folder. */
type EntryKind = "file" | "folder" | "symlink" | "special";

/** The names in a folder. */
export interface Listing {
  /** In the order of the paths below it: a folder is its name with a `/`. */
  readonly keys: readonly string[];
  /** Of those that are neither file nor folder. */
  readonly others: ReadonlyMap<string, EntryKind>;
  /** Names that are not UTF-8, in a form that can be shown. */
  readonly notUtf8: readonly string[];
}

/** An open folder that is known to be the one its path says. */
export interface OpenFolder extends Disposable {
  /** A path that leads to this very folder as long as it is open, whatever happens to its names. */
  readonly base: string;
  readonly stat: fs.BigIntStats;
}

/**
 * Opens a folder so that it cannot be swapped for another: below `base`, names are looked up in the folder that was
 * opened. Where a system has no paths of open folders, the real path is compared instead.
 *
 * @param path - Its real path, as `realpath` gives it.
 * @throws System errors, or `SNAPSHOT_VANISHED` when the folder is no longer what its path says.
 */
export function openFolder(path: string): OpenFolder {
  const fd = fs.openSync(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK);
  try {
    const stat = fs.fstatSync(fd, { bigint: true });
    const { base, real } = descriptorPath(fd) ?? { base: path, real: fs.realpathSync(path) };
    if (real !== path || !stat.isDirectory()) {
      throw new SnapshotError(
        "SNAPSHOT_VANISHED",
        `Cannot read folder "${path}": it was replaced by a symlink or moved while it was read; try again when nothing moves it`,
        { path },
      );
    }
    return { base, stat, [Symbol.dispose]: () => fs.closeSync(fd) };
  } catch (error) {
    fs.closeSync(fd);
    throw error;
  }
}

/** The path of an open folder, where the system has such paths. */
function descriptorPath(fd: number): { base: string; real: string } | undefined {
  if (process.platform !== "linux") return undefined;
  const base = `/proc/self/fd/${fd}`;
  try {
    return { base, real: fs.readlinkSync(base) };
  } catch {
    // No /proc here.
    return undefined;
  }
}

/** Lists an open folder. */
export function listFolder(folder: OpenFolder): Listing {
  const keys: string[] = [];
  const others = new Map<string, EntryKind>();
  for (const entry of fs.readdirSync(folder.base, { withFileTypes: true })) {
    const { name } = entry;
    // An invalid byte reads as U+FFFD; only then the slower way is worth it.
    if (name.includes("\uFFFD")) return listBytes(folder);
    addEntry(keys, others, name, entry);
  }
  return { keys: inOrder(keys), others, notUtf8: [] };
}

function listBytes(folder: OpenFolder): Listing {
  const keys: string[] = [];
  const others = new Map<string, EntryKind>();
  const notUtf8: string[] = [];
  for (const entry of fs.readdirSync(folder.base, { withFileTypes: true, encoding: "buffer" })) {
    const name = entry.name.toString("utf8");
    if (Buffer.from(name, "utf8").equals(entry.name)) addEntry(keys, others, name, entry);
    else notUtf8.push(escaped(entry.name));
  }
  return { keys: inOrder(keys), others, notUtf8: inOrder(notUtf8) };
}

function addEntry(
  keys: string[],
  others: Map<string, EntryKind>,
  name: string,
  entry: fs.Dirent | fs.Dirent<Buffer>,
): void {
  if (entry.isFile()) keys.push(name);
  else if (entry.isDirectory()) keys.push(`${name}/`);
  else {
    keys.push(name);
    others.set(name, entry.isSymbolicLink() ? "symlink" : "special");
  }
}

/** In place: nobody else has the list. */
function inOrder(names: string[]): string[] {
  // oxlint-disable-next-line unicorn/no-array-sort
  return names.sort();
}

function escaped(name: Buffer): string {
  return name
    .toString("latin1")
    .replace(/[^ -~]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16).padStart(2, "0")}`);
}

/** The ignore file of a folder. */
export interface RulesFile {
  /** `undefined`: it is no regular file, and its rules do not count. */
  readonly text: string | undefined;
  readonly stat: fs.BigIntStats;
}

/** Reads an ignore file; `undefined` when it is gone. */
export function readRules(path: string): RulesFile | undefined {
  const found = fs.lstatSync(path, { bigint: true, throwIfNoEntry: false });
  if (found?.isFile() !== true) return found === undefined ? undefined : { text: undefined, stat: found };
  const fd = fs.openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    const stat = fs.fstatSync(fd, { bigint: true });
    if (!stat.isFile()) return { text: undefined, stat };
    if (stat.size <= LARGEST_RULES) return { text: fs.readFileSync(fd, "utf8"), stat };
    throw new SnapshotError(
      "SNAPSHOT_UNREADABLE",
      `Cannot read ignore rules "${path}": ${stat.size} bytes, at most ${LARGEST_RULES} are allowed`,
      { path },
    );
  } finally {
    fs.closeSync(fd);
  }
}
