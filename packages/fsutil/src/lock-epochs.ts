import { join } from "node:path";
import { asFileError, errnoOf } from "./errors.ts";
import type { FileSystem } from "./file-system.ts";
import type { LockHolder } from "./lock-holder.ts";
import { readFileLimitedSync } from "./read-file.ts";
import { syncDirectorySync } from "./sync-directory.ts";
import { temporaryPath } from "./temporary-name.ts";

const EPOCH = /^epoch-([1-9]\d{0,14})$/u;
const RELEASED = ".released";
/** Superseded epochs that are kept: whoever read a number that is old by now finds it taken. */
const KEPT_EPOCHS = 8;

/** The newest epoch of a lock's folder. */
export interface Epoch {
  /** 0: nobody ever held the lock. */
  readonly token: number;
  readonly released: boolean;
  /** `undefined` where the file cannot be understood. */
  readonly holder: LockHolder | undefined;
}

function epochPath(folder: string, token: number): string {
  return join(folder, `epoch-${token}`);
}

function parseHolder(bytes: Uint8Array, token: number): LockHolder | undefined {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const fields = new Map<string, unknown>(Object.entries(value));
  const text = (name: string): string | null => {
    const field = fields.get(name);
    return typeof field === "string" ? field : null;
  };
  const pid = fields.get("pid");
  const host = text("host");
  if (typeof pid !== "number" || !Number.isInteger(pid) || pid < 1 || host === null) return undefined;
  return {
    token,
    pid,
    process_start: text("process_start"),
    boot_id: text("boot_id"),
    pid_namespace: text("pid_namespace"),
    host,
    worker: text("worker") ?? "",
    since: text("since") ?? "",
    kernel_lock: fields.get("kernel_lock") === true,
  };
}

/** The newest number in a lock's folder; 0 when there is none. Lists the folder: one that is read at one moment holds its newest. */
function newestToken(fileSystem: FileSystem, folder: string): number {
  return Math.max(0, ...fileSystem.readdirSync(folder).map((name) => Number(EPOCH.exec(name)?.[1] ?? 0)));
}

/**
 * Whether a number that was just claimed is the newest. Its being free proves nothing: whoever was suspended between reading and
 * claiming finds the number free again once its successors were cleaned up.
 */
export function isNewestClaim(fileSystem: FileSystem, folder: string, token: number): boolean {
  try {
    return newestToken(fileSystem, folder) === token;
  } catch (error) {
    throw asFileError("take the lock", folder, error);
  }
}

/** Finds the newest epoch. A folder that does not exist holds none. */
export function readEpoch(fileSystem: FileSystem, folder: string): Epoch {
  for (let attempt = 0; ; attempt++) {
    let token: number;
    try {
      token = newestToken(fileSystem, folder);
    } catch (error) {
      if (errnoOf(error) === "ENOENT") return { token: 0, released: true, holder: undefined };
      throw asFileError("read the lock", folder, error);
    }
    if (token === 0) return { token, released: true, holder: undefined };
    if (exists(fileSystem, epochPath(folder, token) + RELEASED))
      return { token, released: true, holder: undefined };
    try {
      const bytes = readFileLimitedSync(epochPath(folder, token), 64 * 1024, { fileSystem });
      return { token, released: false, holder: parseHolder(bytes, token) };
    } catch (error) {
      const { code } = asFileError("read the lock", folder, error);
      // Superseded and cleaned up since the folder was listed: look again.
      if (code === "FILE_MISSING" && attempt < 100) continue;
      if (code === "FILE_TOO_LARGE" || code === "FILE_UNREADABLE")
        return { token, released: false, holder: undefined };
      throw error;
    }
  }
}

function exists(fileSystem: FileSystem, path: string): boolean {
  try {
    return fileSystem.lstatSync(path) !== undefined;
  } catch (error) {
    throw asFileError("read the lock", path, error);
  }
}

/**
 * Claims an epoch: whole content under a name that only one process can make. Durable, so that its number is never given out again.
 *
 * @returns false when somebody else was first.
 */
export function claimEpoch(fileSystem: FileSystem, folder: string, holder: LockHolder): boolean {
  const path = epochPath(folder, holder.token);
  const temporary = temporaryPath(path);
  let claimed = false;
  try {
    const file = fileSystem.openSync(temporary, "create", 0o600, { noFollow: true });
    try {
      const bytes = Buffer.from(`${JSON.stringify(holder, undefined, 2)}\n`);
      const written = file.writeSync(bytes, 0);
      if (written !== bytes.byteLength) throw Object.assign(new Error("short write"), { code: "ENOSPC" });
      file.syncSync("full");
    } finally {
      file.closeSync();
    }
    fileSystem.linkSync(temporary, path);
    claimed = true;
    fileSystem.unlinkSync(temporary);
    syncDirectorySync(folder, { fileSystem });
    return true;
  } catch (error) {
    // A link that is said to have failed may have been made: a disk, or a server of files, can fail after it.
    claimed ||= isLinked(fileSystem, temporary, path);
    removeQuietly(fileSystem, temporary);
    if (claimed) abandonEpoch(fileSystem, folder, holder.token);
    if (errnoOf(error) === "EEXIST") return false;
    throw asFileError("take the lock", folder, error);
  }
}

/** Whether two names are of the same file, as far as that can be seen. */
function isLinked(fileSystem: FileSystem, name: string, other: string): boolean {
  try {
    const [a, b] = [fileSystem.lstatSync(name), fileSystem.lstatSync(other)];
    return a !== undefined && b !== undefined && a.ino === b.ino && a.dev === b.dev;
  } catch {
    return false;
  }
}

function removeQuietly(fileSystem: FileSystem, path: string): void {
  try {
    fileSystem.unlinkSync(path);
  } catch {
    // gone already, or found by removeLeftovers() later
  }
}

/** Releases an epoch that was claimed and that nobody will work under; where even this fails it is free when the process ends. */
export function abandonEpoch(fileSystem: FileSystem, folder: string, token: number): void {
  try {
    releaseEpoch(fileSystem, folder, token);
  } catch {
    // the error that led here is on its way to the caller
  }
}

/** Says that the work of an epoch is over. The epoch itself stays: its number is what makes later ones grow. */
export function releaseEpoch(fileSystem: FileSystem, folder: string, token: number): void {
  const path = epochPath(folder, token);
  try {
    fileSystem.linkSync(path, path + RELEASED);
  } catch (error) {
    const errno = errnoOf(error);
    // Said already; or superseded and cleaned up, or the whole folder removed: nobody waits for it.
    if (errno === "EEXIST" || errno === "ENOENT") return;
    throw asFileError("release the lock", folder, error);
  }
}

/**
 * What tells an epoch's file from a later one of the same number, which there is when somebody removed the lock's folder;
 * `undefined` when there is none.
 */
export function epochMark(fileSystem: FileSystem, folder: string, token: number): string | undefined {
  const path = epochPath(folder, token);
  try {
    const stat = fileSystem.lstatSync(path);
    return stat && `${stat.dev}:${stat.ino}:${stat.mtimeNs}`; // numbers of files are given out again at once
  } catch (error) {
    throw asFileError("read the lock", path, error);
  }
}

/** Whether there is a newer epoch than one that was held, which still stands: numbers have no gaps, and old ones are removed in ascending order. */
export function hasSuccessor(fileSystem: FileSystem, folder: string, token: number): boolean {
  return exists(fileSystem, epochPath(folder, token + 1));
}

/** Removes epochs that were superseded long ago, the oldest first; what cannot be removed stays. */
export function removeOldEpochs(fileSystem: FileSystem, folder: string, newest: number): void {
  let names: string[];
  try {
    names = fileSystem.readdirSync(folder);
  } catch {
    return;
  }
  const old = names
    .map((name) => Number(EPOCH.exec(name.replace(RELEASED, ""))?.[1] ?? 0))
    .filter((token) => token > 0 && token < newest - KEPT_EPOCHS)
    .toSorted((a, b) => a - b);
  for (const token of new Set(old)) {
    removeQuietly(fileSystem, epochPath(folder, token));
    removeQuietly(fileSystem, epochPath(folder, token) + RELEASED);
  }
}
