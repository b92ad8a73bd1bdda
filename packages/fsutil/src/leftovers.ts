import { join, resolve } from "node:path";
import { asFileError, errnoOf } from "./errors.ts";
import type { FileSystem } from "./file-system.ts";
import { isOnLocalDisk } from "./local-disk.ts";
import { nodeFileSystem } from "./node-file-system.ts";
import { type Liveness, livenessOfPid, ownIdentity, startedAt, worldStamp } from "./process-identity.ts";
import { parseTemporaryName, type TemporaryName } from "./temporary-name.ts";

/** Options of {@link removeLeftovers}. */
export interface RemoveLeftoversOptions {
  /** Whether folders below are searched too. Symlinks are never followed. Default false. */
  readonly recursive?: boolean;
  /** Only list them. Default false. */
  readonly dryRun?: boolean;
  /**
   * Age in milliseconds from which a file counts as left over although its writer cannot be seen from here (another
   * host, another container). Default `Infinity`: such files stay.
   */
  readonly unknownOlderThanMs?: number;
  /** What to work on. Default: the disk. */
  readonly fileSystem?: FileSystem;
}

/** Clocks are set now and then; a difference below this proves nothing. */
const CLOCK_SLACK_MS = 60_000;

function worldParts(stamp: string): readonly string[] {
  return stamp.match(/.{4}/gu) ?? [];
}

function livenessOfWriter(name: TemporaryName, mtimeMs: number, ownWorld: string, local: boolean): Liveness {
  const { pid, stamp } = name;
  if (stamp === undefined) {
    const liveness = livenessOfPid(pid, null);
    const start = liveness === "alive" ? startedAt(pid) : undefined;
    return start !== undefined && mtimeMs < start - CLOCK_SLACK_MS ? "dead" : liveness;
  }
  const [host, boot, namespace] = worldParts(stamp.world);
  const [ownHost, ownBoot, ownNamespace] = worldParts(ownWorld);
  if (host !== ownHost) return "unknown"; // another host
  if (boot !== ownBoot) return local ? "dead" : "unknown"; // before a reboot
  if (namespace !== ownNamespace) return "unknown"; // another container
  return livenessOfPid(pid, stamp.start === "0" ? null : stamp.start);
}

/**
 * Removes temporary files whose writer is dead: killed in the middle of a `writeFileAtomic`, or of taking a lock. Those
 * of living writers, and of writers that cannot be seen from here, stay.
 *
 * @param directory - Where to look. A folder that does not exist has none.
 * @returns The paths removed (with `dryRun`: to be removed), sorted.
 * @throws {FileError} `FILE_PERMISSION`, `FILE_READ_ONLY`, `FILE_IO`.
 */
export async function removeLeftovers(
  directory: string,
  options: RemoveLeftoversOptions = {},
): Promise<string[]> {
  const {
    fileSystem = nodeFileSystem,
    recursive = false,
    dryRun = false,
    unknownOlderThanMs = Number.POSITIVE_INFINITY,
  } = options;
  const ownWorld = worldStamp(ownIdentity());
  const removed: string[] = [];
  const pending = [resolve(directory)];
  for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
    const local = fileSystem === nodeFileSystem && isOnLocalDisk(folder);
    for (const name of namesIn(fileSystem, folder)) {
      const path = join(folder, name);
      const temporary = parseTemporaryName(name);
      if (temporary === undefined && !recursive) continue;
      try {
        const stat = fileSystem.lstatSync(path);
        if (stat?.kind === "directory" && recursive) pending.push(path);
        if (temporary === undefined || stat?.kind !== "file") continue;
        const mtimeMs = Number(stat.mtimeNs / 1_000_000n);
        const liveness = livenessOfWriter(temporary, mtimeMs, ownWorld, local);
        if (liveness === "alive") continue;
        if (liveness === "unknown" && !(Date.now() - mtimeMs > unknownOlderThanMs)) continue;
        if (!dryRun) fileSystem.unlinkSync(path);
        removed.push(path);
      } catch (error) {
        if (errnoOf(error) !== "ENOENT") throw asFileError("remove", path, error);
      }
    }
  }
  return removed.toSorted();
}

function namesIn(fileSystem: FileSystem, folder: string): string[] {
  try {
    return fileSystem.readdirSync(folder);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return [];
    throw asFileError("list", folder, error);
  }
}
