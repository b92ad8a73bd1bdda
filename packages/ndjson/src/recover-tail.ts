import { dirname } from "node:path";
import type { FileSystem, OpenFile } from "@holdfast/fsutil";
import { nodeFileSystem } from "@holdfast/fsutil";
import { batchIntentPath, interruptedBatch, readBatchIntent } from "./batch-intent.ts";
import { countLines } from "./count-lines.ts";
import { asLogError, LogDamagedError } from "./errors.ts";
import { inspectTail, type LogFormat, readAtSync, type TornReason } from "./inspect-tail.ts";
import type { LinePlaces } from "./line-places.ts";
import { holdLog } from "./log-registry.ts";
import { DEFAULT_MAX_LINE_BYTES } from "./read-blocks.ts";
import { writeAllSync } from "./write-all.ts";

/** A torn tail: what was cut off, and where it is kept. */
export interface TailRepair {
  readonly path: string;
  /** Where the bytes were moved: `<path>.corrupt`. */
  readonly corruptPath: string;
  /** Line in the file where the torn bytes start, from 1. */
  readonly line: number;
  /** Where they start, in bytes; the file ends here now. */
  readonly offset: number;
  /** How many bytes were moved. */
  readonly length: number;
  /**
   * `unterminated`: a piece of a line. `zeros`: space that was never written. `garbage`: bytes that are no text.
   * `batch`: records of a batch that was not written to its end.
   */
  readonly reason: TornReason;
}

const BLOCK = 256 * 1024;

export interface RecoverContext {
  readonly path: string;
  readonly fileSystem: FileSystem;
  readonly format: LogFormat;
  readonly maxLineBytes: number;
  /** Whether a file of nothing but holes and what is torn is a log. */
  readonly keepHoles?: boolean;
  readonly signal?: AbortSignal | undefined;
  /** Where some lines start, to count from. */
  readonly places?: LinePlaces;
}

async function lineAt(file: OpenFile, offset: number, { places, signal }: RecoverContext): Promise<number> {
  const from = places?.beforeOffset(offset);
  const { lines } = await countLines(file, offset, {
    ...(from !== undefined && { from }),
    findZero: false,
    signal,
  });
  return lines + 1;
}

/** Finds the torn tail of an open log; throws `LOG_DAMAGED` for a last line that is damaged and not torn. */
export async function findTornTail(file: OpenFile, context: RecoverContext): Promise<TailRepair | undefined> {
  const { path, fileSystem } = context;
  const { size } = file.statSync();
  const tail = inspectTail(file, size, context);
  const batchAt = interruptedBatch(file, size, readBatchIntent(path, fileSystem), { verify: true });
  let end = tail.kind === "damaged" ? size : tail.end;
  let reason: TornReason | undefined = tail.kind === "torn" ? tail.reason : undefined;
  if (batchAt !== undefined && batchAt < end) {
    end = batchAt;
    reason = "batch";
  }
  if (tail.kind === "damaged" && tail.offset < end) {
    const line = await lineAt(file, tail.offset, context);
    throw new LogDamagedError(
      `Cannot open "${path}": line ${line} at offset ${tail.offset} holds no record; look at it, and repair the file before it is appended to`,
      { path, line, offset: tail.offset, cause: tail.cause },
    );
  }
  if (reason === undefined) return undefined;
  const line = await lineAt(file, end, context);
  return { path, corruptPath: `${path}.corrupt`, line, offset: end, length: size - end, reason };
}

/** Whether the file for torn bytes ends with these already: a repair that died before its truncate left them there. */
function isKept(kept: OpenFile, file: OpenFile, { offset, length }: TailRepair): boolean {
  const { size } = kept.statSync();
  if (size < length) return false;
  for (let done = 0; done < length; done += BLOCK) {
    const count = Math.min(BLOCK, length - done);
    if (!readAtSync(kept, size - length + done, count).equals(readAtSync(file, offset + done, count)))
      return false;
  }
  return true;
}

/**
 * Moves the torn bytes aside and cuts the log. The copy is durable before the cut; a crash anywhere in between leaves a
 * log that is torn in the same way, for the next one to repair.
 */
export async function repairTail(file: OpenFile, repair: TailRepair, fileSystem: FileSystem): Promise<void> {
  const kept = fileSystem.openSync(repair.corruptPath, "append", 0o600, { noFollow: true });
  try {
    if (!isKept(kept, file, repair)) {
      for (let done = 0; done < repair.length; done += BLOCK) {
        const bytes = readAtSync(file, repair.offset + done, Math.min(BLOCK, repair.length - done));
        writeAllSync(kept, bytes, 0);
      }
    }
    await kept.sync("full");
  } finally {
    kept.closeSync();
  }
  await fileSystem.syncDirectory(dirname(repair.path));
  file.truncateSync(repair.offset);
  await file.sync("full");
}

/**
 * Takes away the note of an interrupted batch, once the log no longer holds a part of it. A batch that a killed writer left whole is synced
 * first: without its note, a power loss could still leave a part of it.
 */
export async function removeBatchIntent(path: string, file: OpenFile, fileSystem: FileSystem): Promise<void> {
  const intentPath = batchIntentPath(path);
  if (fileSystem.lstatSync(intentPath) === undefined) return;
  await file.sync("full");
  fileSystem.unlinkSync(intentPath);
  await fileSystem.syncDirectory(dirname(path));
}

/** Options of {@link recoverTail}. */
export interface RecoverOptions {
  /** What a line is: default `json`. */
  readonly format?: LogFormat;
  /** Longest line that is looked into, in bytes; default 64 MiB. */
  readonly maxLineBytes?: number;
  /** Only say what would be done. Default false. */
  readonly dryRun?: boolean;
  readonly signal?: AbortSignal;
  /** What to work on. Default: the disk. */
  readonly fileSystem?: FileSystem;
}

/**
 * Cuts a log at its last whole record, as {@link openLog} does when it opens one. The torn bytes are kept in `<path>.corrupt`.
 *
 * When it resolves, the cut and the copy are on stable storage. Repeating it after a crash at any point is safe.
 * The caller makes sure that no other process appends meanwhile.
 *
 * @param path - The log's current file; one that does not exist is whole.
 * @returns What was torn, or `undefined` when nothing was.
 * @throws {LogError} `LOG_DAMAGED` for a last line that ends in a newline but holds no record; `LOG_HELD` while the log is
 * open in this process; `LOG_NO_SPACE`, `LOG_IO`.
 */
export async function recoverTail(
  path: string,
  options: RecoverOptions = {},
): Promise<TailRepair | undefined> {
  const {
    fileSystem = nodeFileSystem,
    format = "json",
    maxLineBytes = DEFAULT_MAX_LINE_BYTES,
    dryRun = false,
  } = options;
  if (fileSystem.lstatSync(path) === undefined) return undefined;
  const release = dryRun ? () => undefined : holdLog(path, fileSystem);
  try {
    const file = fileSystem.openSync(path, dryRun ? "read" : "update", undefined, { noFollow: true });
    try {
      const repair = await findTornTail(file, {
        path,
        fileSystem,
        format,
        maxLineBytes,
        signal: options.signal,
      });
      if (dryRun) return repair;
      if (repair !== undefined) await repairTail(file, repair, fileSystem);
      // Also that of a batch that is whole: it would speak of other bytes, should the caller change the file.
      await removeBatchIntent(path, file, fileSystem);
      return repair;
    } finally {
      file.closeSync();
    }
  } catch (error) {
    if (options.signal?.aborted === true) throw error;
    throw asLogError("recover", path, error);
  } finally {
    release();
  }
}
