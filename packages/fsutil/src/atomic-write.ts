import { dirname, resolve } from "node:path";
import { settleDirectory } from "./ensure-directory.ts";
import { asFileError, FileError } from "./errors.ts";
import type { FileSystem } from "./file-system.ts";
import { nodeFileSystem } from "./node-file-system.ts";
import { syncDirectory, syncDirectorySync } from "./sync-directory.ts";
import type { SyncPace } from "./sync-pace.ts";
import { SHORT_BYTES, TemporaryFile } from "./temporary-file.ts";

/**
 * What a write survives. `full`: power loss, name and content. `data`: after power loss the file is the old one or the
 * new one, whole. `none`: the end of the process, not of the power.
 */
export type Durability = "full" | "data" | "none";

/** Options of {@link writeFileAtomicSync}. */
export interface WriteFileAtomicSyncOptions {
  /** Permission bits, exactly (the umask is not applied). Default 0o600. */
  readonly mode?: number;
  /** Default `full`. */
  readonly durability?: Durability;
  /** Runs when the content is on the disk and before it gets the name; what it throws stops the write. For checking a fencing token. */
  readonly beforeRename?: () => void;
  /**
   * Runs in place of the rename, and does it by calling what it is given; what it throws before stops the write. For what must happen in one piece with the
   * rename, such as comparing a revision under a lock.
   */
  readonly aroundRename?: (rename: () => void) => void;
  /** What to work on. Default: the disk. */
  readonly fileSystem?: FileSystem;
}

/** Options of {@link writeFileAtomic}. */
export interface WriteFileAtomicOptions extends WriteFileAtomicSyncOptions {
  /** Stops the write before the rename, never after it. */
  readonly signal?: AbortSignal;
}

/** What {@link writeFileAtomic} takes: text (kept as UTF-8), bytes, or pieces of either. */
export type FileContent = string | Uint8Array | AsyncIterable<string | Uint8Array>;

function checkPiece(data: unknown): asserts data is string | Uint8Array {
  if (typeof data === "string") {
    if (data.isWellFormed()) return;
    throw new TypeError("Text with a lone surrogate cannot be kept as UTF-8 without changing it");
  }
  if (data instanceof Uint8Array) return;
  throw new TypeError("The content of a file is a string, a Uint8Array or an async iterable of them");
}

function isIterable(data: unknown): data is AsyncIterable<string | Uint8Array> {
  return typeof data === "object" && data !== null && Symbol.asyncIterator in data;
}

function checkOptions(options: WriteFileAtomicSyncOptions): void {
  const { mode, durability } = options;
  if (mode !== undefined && !(Number.isInteger(mode) && mode >= 0 && mode <= 0o7777)) {
    throw new RangeError(`mode is ${mode}: it must be permission bits, 0 to 0o7777`);
  }
  if (durability !== undefined && !["full", "data", "none"].includes(durability)) {
    throw new TypeError(`durability is "${durability}": it must be "full", "data" or "none"`);
  }
}

function publish(
  temporary: TemporaryFile,
  { beforeRename, aroundRename }: Pick<WriteFileAtomicSyncOptions, "beforeRename" | "aroundRename">,
): void {
  beforeRename?.();
  if (aroundRename === undefined) temporary.rename();
  else aroundRename(() => temporary.rename());
}

function notDurable(target: string, cause: unknown): FileError {
  const { code } = asFileError("sync the folder of", target, cause);
  return new FileError(
    code,
    `Cannot make "${target}" durable: the new content is in place, but its folder could not be synced; it may be the old one again after power loss`,
    { path: target, cause },
  );
}

/** Pulls pieces one by one; an abort does not wait for a source that hangs. */
async function* pieces(
  source: AsyncIterable<string | Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncGenerator<string | Uint8Array> {
  if (signal === undefined) {
    yield* source;
    return;
  }
  const iterator = source[Symbol.asyncIterator]();
  let onAbort: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => {
      try {
        signal.throwIfAborted();
      } catch (reason) {
        reject(reason);
      }
    };
    signal.addEventListener("abort", onAbort, { once: true });
  });
  aborted.catch(() => undefined); // it may fire when nobody waits for it
  let finished = false;
  try {
    for (;;) {
      const next = await Promise.race([iterator.next(), aborted]);
      if (next.done === true) {
        finished = true;
        return;
      }
      yield next.value;
    }
  } catch (error) {
    if (!signal.aborted) finished = true; // the source itself failed and has ended
    throw error;
  } finally {
    if (onAbort !== undefined) signal.removeEventListener("abort", onAbort);
    if (!finished) void Promise.resolve(iterator.return?.()).catch(() => undefined);
  }
}

/**
 * Replaces a file: a reader, or a crash at any moment, finds the old content or the new, never a mix.
 *
 * When it resolves, content and name are on stable storage (see `durability`), and so are the names of parent folders
 * it made. On failure the old file stands and no temporary file is left; only where the last step fails, the sync of
 * the folder, the new content is in place already, and the error says so. Of several writers of one path one wins,
 * whole. A symlink at `path` is replaced, not followed.
 *
 * Syncs are done in the thread pool. While the disk syncs in less than 2 ms, a short file that is written alone is synced in place, after a turn of the
 * event loop: the pool and back can take longer.
 *
 * @param path - File to replace. Missing parent folders are created with mode 0700.
 * @param data - Text (as UTF-8), bytes, or an async iterable of them, which is never held in memory as a whole.
 * @param options - `mode`, default 0o600. `durability`, default `full`. `signal`: stops before the rename, never after
 *   it. `beforeRename`: a last check. `aroundRename`: one in one piece with the rename. `fileSystem`: default the disk.
 * @throws {FileError} `FILE_NO_SPACE`, `FILE_READ_ONLY`, `FILE_PERMISSION`, `FILE_IO`, with the system error as
 *   `cause`; what `data` and `beforeRename` throw, unchanged; the signal's reason; `TypeError` for text with a lone surrogate.
 * @see {@link https://pubs.opengroup.org/onlinepubs/9799919799/functions/rename.html | POSIX rename()}
 * @see {@link https://www.usenix.org/conference/atc20/presentation/rebello | Can Applications Recover from fsync Failures?}
 */
export async function writeFileAtomic(
  path: string,
  data: FileContent,
  options: WriteFileAtomicOptions = {},
): Promise<void> {
  checkOptions(options);
  const { fileSystem = nodeFileSystem, durability = "full", signal, mode } = options;
  const check = () => signal?.throwIfAborted();
  check();
  const target = resolve(path);
  if (!isIterable(data)) checkPiece(data);
  // Only what is short is synced in a time that is worth saving the way to the thread pool.
  const pace = !isIterable(data) && data.length <= SHORT_BYTES ? fileSystem.syncPace : undefined;
  pace?.begin();
  try {
    const temporary = new TemporaryFile(fileSystem, target, mode);
    try {
      if (!isIterable(data)) await temporary.write(data, check);
      else {
        for await (const piece of pieces(data, signal)) {
          check();
          checkPiece(piece);
          await temporary.write(piece, check);
        }
      }
      await pace?.letOthersRun();
      check();
      if (durability !== "none") await temporary.sync(durability, pace);
      temporary.close();
      if (durability === "full") settleDirectory(fileSystem, dirname(target));
      check();
      publish(temporary, options);
    } finally {
      temporary.discard();
    }
    if (durability === "full") await syncFolder(fileSystem, target, pace);
  } finally {
    pace?.end();
  }
}

async function syncFolder(fileSystem: FileSystem, target: string, pace: SyncPace | undefined): Promise<void> {
  const folder = dirname(target);
  const inPool = (): Promise<void> => syncDirectory(folder, { fileSystem });
  try {
    if (pace === undefined) await inPool();
    else await pace.sync(() => syncDirectorySync(folder, { fileSystem }), inPool);
  } catch (error) {
    throw notDurable(target, error);
  }
}

/**
 * {@link writeFileAtomic} by synchronous calls: the fastest way for short documents. It blocks for as long as the disk
 * takes to sync.
 *
 * @throws As {@link writeFileAtomic} does.
 */
export function writeFileAtomicSync(
  path: string,
  data: string | Uint8Array,
  options: WriteFileAtomicSyncOptions = {},
): void {
  checkOptions(options);
  const { fileSystem = nodeFileSystem, durability = "full", mode } = options;
  const target = resolve(path);
  checkPiece(data);
  const temporary = new TemporaryFile(fileSystem, target, mode);
  try {
    temporary.writeSync(data);
    if (durability !== "none") temporary.syncSync(durability);
    temporary.close();
    if (durability === "full") settleDirectory(fileSystem, dirname(target));
    publish(temporary, options);
  } finally {
    temporary.discard();
  }
  if (durability !== "full") return;
  try {
    syncDirectorySync(dirname(target), { fileSystem });
  } catch (error) {
    throw notDurable(target, error);
  }
}
