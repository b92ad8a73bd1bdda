import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ensureDirectorySync } from "./ensure-directory.ts";
import { FileError, LockHeldError } from "./errors.ts";
import type { FileSystem } from "./file-system.ts";
import { type KernelLock, takeKernelLock } from "./kernel-lock.ts";
import { isOnLocalDisk } from "./local-disk.ts";
import {
  abandonEpoch,
  claimEpoch,
  type Epoch,
  epochMark,
  hasSuccessor,
  isNewestClaim,
  readEpoch,
  releaseEpoch,
  removeOldEpochs,
} from "./lock-epochs.ts";
import type { LockHolder } from "./lock-holder.ts";
import { nodeFileSystem } from "./node-file-system.ts";
import { type Liveness, livenessOf, ownIdentity } from "./process-identity.ts";

const KERNEL_FILE = "kernel.db";
/** How long a lock may look taken by nobody: somebody is just between taking it and saying so. */
const HANDOVER_MS = 2_000;
const POLL_MS = 50;

/** Options of {@link acquireLock}. */
export interface AcquireLockOptions {
  /** How long to wait for a living holder, in milliseconds. Default 0: not at all. `Infinity`: until it is free. */
  readonly waitMs?: number;
  /** Ends the waiting. */
  readonly signal?: AbortSignal;
  /** What the holder calls itself, for others to read. Default: `pid@host`. */
  readonly worker?: string;
  /** Makes `since`. Default: the system's clock. */
  readonly now?: () => Date;
  /** What to work on. Default: the disk. On any other only the epoch files guard the lock, without the kernel's help. */
  readonly fileSystem?: FileSystem;
}

/** A lock that is held. Dispose of it, or `release()` it; the end of the process releases it too. */
export interface Lock extends AsyncDisposable {
  /** The fencing token: larger than that of every holder before. */
  readonly token: number;
  readonly holder: LockHolder;
  /** Throws `LOCK_LOST` when the lock was released, or somebody holds a newer epoch, or the lock's folder was removed. Two system calls. */
  assertHeld(): void;
  /** Whether {@link Lock.assertHeld} would pass. */
  isHeld(): boolean;
  /** Lets the next one in. Twice is fine; after an error the lock is no longer held, and another call tries again to say so. */
  release(): void;
}

class HeldLock implements Lock {
  readonly holder: LockHolder;
  readonly #fileSystem: FileSystem;
  readonly #folder: string;
  readonly #kernel: KernelLock | undefined;
  readonly #mark: string | undefined;
  #released = false;
  #isSaid = false;

  constructor(fileSystem: FileSystem, folder: string, holder: LockHolder, kernel: KernelLock | undefined) {
    this.#fileSystem = fileSystem;
    this.#folder = folder;
    this.holder = holder;
    this.#kernel = kernel;
    this.#mark = epochMark(fileSystem, folder, holder.token);
  }

  get token(): number {
    return this.holder.token;
  }
  isHeld(): boolean {
    if (this.#released || hasSuccessor(this.#fileSystem, this.#folder, this.token)) return false;
    // After the look for a successor: old epochs are removed in ascending order, so where ours still stands there was none that is gone again.
    return this.#isOurs();
  }
  assertHeld(): void {
    if (this.isHeld()) return;
    const state = this.#released
      ? "it was released"
      : `a newer holder has it; stop, and write nothing more under token ${this.token}`;
    throw new FileError("LOCK_LOST", `Cannot go on with the lock "${this.#folder}": ${state}`, {
      path: this.#folder,
    });
  }
  release(): void {
    if (this.#isSaid) return;
    this.#released = true;
    try {
      // First the word, then the kernel's lock: whoever gets that one finds the word.
      if (this.#isOurs()) releaseEpoch(this.#fileSystem, this.#folder, this.token);
      this.#isSaid = true;
    } finally {
      this.#kernel?.release();
    }
  }
  /** Where the lock's folder was removed, the next holder begins with our number again. */
  #isOurs(): boolean {
    return this.#mark !== undefined && epochMark(this.#fileSystem, this.#folder, this.token) === this.#mark;
  }
  async [Symbol.asyncDispose](): Promise<void> {
    this.release();
  }
}

function livenessOfEpoch(fileSystem: FileSystem, folder: string, epoch: Epoch): Liveness {
  if (epoch.released) return "dead";
  if (epoch.holder === undefined) return "unknown";
  return livenessOf(epoch.holder, ownIdentity(), fileSystem === nodeFileSystem && isOnLocalDisk(folder));
}

function heldError(folder: string, epoch: Epoch, liveness: Liveness): LockHeldError {
  const { holder, token } = epoch;
  if (liveness === "dead") {
    return new LockHeldError(`Cannot take the lock "${folder}": another process is taking it; try again`, {
      path: folder,
      holder: undefined,
    });
  }
  if (holder === undefined) {
    return new LockHeldError(
      `Cannot take the lock "${folder}": the record "epoch-${token}" of its holder is damaged; make sure that nobody works under it, then break the lock`,
      { path: folder, holder },
    );
  }
  const who = `process ${holder.pid} on ${holder.host} (${holder.worker}) holds it since ${holder.since}`;
  const advice =
    liveness === "alive"
      ? "wait for it, or end that process"
      : "whether that process still runs cannot be seen from here (another host or container); make sure that it does not, then break the lock";
  return new LockHeldError(`Cannot take the lock "${folder}": ${who}; ${advice}`, { path: folder, holder });
}

interface Attempt {
  readonly lock?: Lock;
  readonly error?: LockHeldError;
  /** Whether trying again at once makes sense. */
  readonly passing: boolean;
}

/** `breaking`: the epoch whose holder a person declared gone, though it cannot be seen. */
function attempt(folder: string, options: AcquireLockOptions, breaking?: number): Attempt {
  const { fileSystem = nodeFileSystem, now = () => new Date() } = options;
  // SQLite works on the real disk only.
  const kernel =
    fileSystem === nodeFileSystem ? takeKernelLock(fileSystem, join(folder, KERNEL_FILE)) : "unavailable";
  const held = typeof kernel === "object" ? kernel : undefined;
  let lock: Lock | undefined;
  let claimed: number | undefined;
  try {
    const epoch = readEpoch(fileSystem, folder);
    const liveness = livenessOfEpoch(fileSystem, folder, epoch);
    const free = liveness === "dead" || (liveness === "unknown" && epoch.token === breaking);
    if (kernel === "busy" || !free) {
      return { error: heldError(folder, epoch, liveness), passing: liveness === "dead" };
    }
    const identity = ownIdentity();
    const holder: LockHolder = {
      token: epoch.token + 1,
      ...identity,
      worker: options.worker ?? `${identity.pid}@${identity.host}`,
      since: now().toISOString(),
      kernel_lock: held !== undefined,
    };
    if (claimEpoch(fileSystem, folder, holder)) claimed = holder.token;
    if (claimed === undefined || !isNewestClaim(fileSystem, folder, holder.token)) {
      return { error: heldError(folder, epoch, "dead"), passing: true };
    }
    removeOldEpochs(fileSystem, folder, holder.token);
    lock = new HeldLock(fileSystem, folder, holder, held);
    return { lock, passing: false };
  } finally {
    if (lock === undefined) {
      if (claimed !== undefined) abandonEpoch(fileSystem, folder, claimed);
      held?.release();
    }
  }
}

/**
 * Takes a lock that one process, and one caller in it, can hold at a time. The lock is a folder: numbered epoch files
 * name its holders, and a kernel lock beside them (through `node:sqlite`, where there is one) is free at once when its
 * holder dies, by `kill -9` too. It is never taken from a living holder, however slow or suspended. A holder that this
 * process cannot see (another host, another container) is refused, never guessed dead.
 *
 * When it resolves, the epoch is durable: tokens only grow, also over power loss.
 *
 * @param folderPath - The lock's folder, for nothing else; made when it is missing.
 * @param options - `waitMs`: default 0. `signal`. `worker`: a name for others to read.
 * @returns The lock, with its fencing token.
 * @throws {LockHeldError} `LOCK_HELD`, with the `holder` where it is known. {@link FileError} of the disk. The signal's reason.
 * @see {@link https://martin.kleppmann.com/2016/02/08/how-to-do-distributed-locking.html | Kleppmann: fencing tokens}
 */
export async function acquireLock(folderPath: string, options: AcquireLockOptions = {}): Promise<Lock> {
  const { fileSystem = nodeFileSystem, signal, waitMs = 0 } = options;
  if (Number.isNaN(waitMs) || waitMs < 0) throw new RangeError(`waitMs is ${waitMs}: it must be 0 or more`);
  signal?.throwIfAborted();
  const folder = resolve(folderPath);
  ensureDirectorySync(folder, { fileSystem });
  const start = performance.now();
  for (let tries = 1; ; tries++) {
    const { lock, error, passing } = attempt(folder, options);
    if (lock !== undefined) return lock;
    const waited = performance.now() - start;
    if (waited >= (passing ? Math.max(waitMs, HANDOVER_MS) : waitMs)) throw error;
    // Spread out, so that several who wait do not keep meeting.
    const pause = (passing ? Math.min(tries, 10) : POLL_MS) * (0.5 + Math.random());
    const left = passing ? pause : Math.max(1, waitMs - waited);
    await sleep(Math.min(pause, left), undefined, { signal }).catch((aborted: unknown) => {
      signal?.throwIfAborted(); // with the caller's own reason
      throw aborted;
    });
  }
}

/**
 * Tells who holds a lock. The answer can be old when it arrives.
 *
 * @param folderPath - The lock's folder.
 * @returns The holder, also one that cannot be seen from here; `undefined` when the lock is free.
 * @throws {FileError} `FILE_UNREADABLE` when the holder's record is damaged; those of the disk.
 */
export async function readLockHolder(
  folderPath: string,
  options: { readonly fileSystem?: FileSystem } = {},
): Promise<LockHolder | undefined> {
  const { fileSystem = nodeFileSystem } = options;
  const folder = resolve(folderPath);
  const epoch = readEpoch(fileSystem, folder);
  if (livenessOfEpoch(fileSystem, folder, epoch) === "dead") return undefined;
  if (epoch.holder !== undefined) return epoch.holder;
  throw new FileError(
    "FILE_UNREADABLE",
    `Cannot read the lock "${folder}": the record "epoch-${epoch.token}" is damaged`,
    {
      path: folder,
    },
  );
}

/**
 * Takes a lock away from a holder that cannot be seen from here, or whose record is damaged. A person decides this, who
 * knows that the holder is gone. Should it live after all, it is fenced off: its `assertHeld()` throws `LOCK_LOST`.
 *
 * @param folderPath - The lock's folder.
 * @param options - `token`: the epoch to break, as `LOCK_HELD` named it; a newer one is left alone. `worker`: who breaks it.
 * @returns The token that fences the old holder off; the lock is free.
 * @throws {LockHeldError} when the holder runs on this machine (end that process instead), or when there is another holder by now.
 */
export async function breakLock(
  folderPath: string,
  options: Omit<AcquireLockOptions, "waitMs" | "signal"> & { readonly token: number },
): Promise<number> {
  const folder = resolve(folderPath);
  const { lock, error } = attempt(folder, options, options.token);
  if (lock === undefined) throw error;
  lock.release();
  return lock.token;
}
