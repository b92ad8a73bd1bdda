import * as fs from "node:fs";

import { SnapshotError } from "./errors.ts";

const { O_RDONLY, O_DIRECTORY = 0, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = fs.constants;
const LARGEST_RULES = 1024 * 1024;

/** A name in a folder. `text`: its name; for a name that is not UTF-8, one that can be shown. */
export interface FolderEntry {
  readonly name: string;
  readonly kind: "file" | "folder" | "symlink" | "special" | "not-utf8";
}

/** An open folder that is known to be the one its path says. */
export interface OpenFolder {
  /** A path that leads to this very folder as long as it is open, whatever happens to its names. */
  readonly base: string;
  readonly stat: fs.BigIntStats;
  close(): void;
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
    const base = hasDescriptorPaths() ? `/proc/self/fd/${fd}` : path;
    const real = base === path ? fs.realpathSync(path) : fs.readlinkSync(base);
    if (real !== path || !stat.isDirectory()) {
      throw new SnapshotError(
        "SNAPSHOT_VANISHED",
        `Cannot read folder "${path}": it was replaced by a symlink or moved while it was read; try again when nothing moves it`,
        { path },
      );
    }
    return { base, stat, close: () => fs.closeSync(fd) };
  } catch (error) {
    fs.closeSync(fd);
    throw error;
  }
}

/** Whether an open folder has a path of its own here. */
export function hasDescriptorPaths(): boolean {
  return process.platform === "linux" && fs.existsSync("/proc/self/fd");
}

/** The names in an open folder, in no order. */
export function listFolder(folder: OpenFolder): FolderEntry[] {
  const entries = fs.readdirSync(folder.base, { withFileTypes: true });
  // An invalid byte reads as U+FFFD; only then the slower way is worth it.
  if (entries.some(({ name }) => name.includes("\uFFFD"))) return listBytes(folder);
  return entries.map((entry) => ({ name: entry.name, kind: kindOf(entry) }));
}

function listBytes(folder: OpenFolder): FolderEntry[] {
  return fs.readdirSync(folder.base, { withFileTypes: true, encoding: "buffer" }).map((entry) => {
    const name = entry.name.toString("utf8");
    if (Buffer.from(name, "utf8").equals(entry.name)) return { name, kind: kindOf(entry) };
    const shown = entry.name
      .toString("latin1")
      .replace(/[^ -~]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16).padStart(2, "0")}`);
    return { name: shown, kind: "not-utf8" };
  });
}

function kindOf(entry: fs.Dirent<string> | fs.Dirent<Buffer>): FolderEntry["kind"] {
  if (entry.isFile()) return "file";
  if (entry.isDirectory()) return "folder";
  return entry.isSymbolicLink() ? "symlink" : "special";
}

/** The text of a small regular file in a folder, and what it was read from; `undefined` when it is no regular file. */
export function readRules(path: string): { text: string; stat: fs.BigIntStats } | undefined {
  let fd: number;
  try {
    fd = fs.openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ELOOP") return undefined;
    throw error;
  }
  try {
    const stat = fs.fstatSync(fd, { bigint: true });
    if (!stat.isFile()) return undefined;
    if (stat.size > LARGEST_RULES) {
      throw new SnapshotError(
        "SNAPSHOT_UNREADABLE",
        `Cannot read ignore rules "${path}": ${stat.size} bytes, at most ${LARGEST_RULES} are allowed`,
        { path },
      );
    }
    return { text: fs.readFileSync(fd, "utf8"), stat };
  } finally {
    fs.closeSync(fd);
  }
}
