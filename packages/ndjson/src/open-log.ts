import { dirname, resolve } from "node:path";
import { ensureDirectory, nodeFileSystem, type OpenFile } from "@holdfast/fsutil";
import { asLogError, LogError } from "./errors.ts";
import type { Appended, AppendOptions, LogStart, OpenLogOptions } from "./log-options.ts";
import { holdLog } from "./log-registry.ts";
import { LogWriter } from "./log-writer.ts";
import { prepareLog } from "./prepare-log.ts";
import type { TailRepair } from "./recover-tail.ts";

/** A log that is open for appending: one writer, many callers. */
export interface Log extends AsyncDisposable {
  readonly path: string;
  /** Position of the last acknowledged record; 0 for an empty log. */
  readonly position: number;
  /** Bytes of the current file up to the last acknowledged record. */
  readonly size: number;
  /** Bytes that were given to `append` and are not acknowledged yet. */
  readonly pendingBytes: number;
  /** Whether a write or sync failed: everything is refused from then on, and what was only written may be lost. */
  readonly failed: boolean;
  /** What was cut off when the log was opened. */
  readonly repair: TailRepair | undefined;
  /** Appends a record as one line of compact JSON. Not for logs of format `text`. */
  append(record: unknown, options?: AppendOptions): Promise<Appended>;
  /** Appends several records in a row: after a crash they are all there, or none of them is. */
  appendMany(records: readonly unknown[], options?: AppendOptions): Promise<Appended>;
  /** Appends one line of exact text, without its newline. In a `json` log the caller vouches that it is one JSON value. */
  appendText(text: string, options?: AppendOptions): Promise<Appended>;
  /** {@link Log.appendText} for several lines that belong together. */
  appendTexts(texts: readonly string[], options?: AppendOptions): Promise<Appended>;
  /** Resolves when at most `maxPendingBytes` (default 16 MiB) wait to be written: for callers that do not await `append`. */
  ready(maxPendingBytes?: number): Promise<void>;
  /** Resolves when everything appended before is written and, unless the durability is `none`, on stable storage. */
  flush(): Promise<void>;
  /** A place at or shortly before a position of the current file, to start reading at; `undefined` when it was rotated away. */
  seek(position: number): LogStart | undefined;
  /** Waits for what was appended before, then closes. Twice is fine; appends after it reject with `LOG_CLOSED`. */
  close(): Promise<void>;
}

function checkOptions(options: OpenLogOptions): void {
  const atLeast = (
    name: "maxLineBytes" | "rotateBytes" | "summaryBytes" | "syncIntervalMs",
    least: number,
  ): void => {
    const value = options[name];
    if (value !== undefined && !(Number.isSafeInteger(value) && value >= least)) {
      throw new RangeError(`${name} must be an integer of at least ${least}, not ${value}`);
    }
  };
  atLeast("maxLineBytes", 1);
  atLeast("rotateBytes", 1);
  atLeast("summaryBytes", 1);
  atLeast("syncIntervalMs", 0);
}

/**
 * Opens a log for appending; makes it, and the folders above it, when it does not exist.
 *
 * A tail that was torn by a crash is moved to `<path>.corrupt` and cut off at the last whole record, and `onRepair` is told.
 * When it resolves, everything that is in the log, and its name, is on stable storage.
 *
 * Its lines are counted, to know their positions; with `summary`, only those that were appended since that was made.
 *
 * One writer: a second `openLog` in this process is refused; other processes are kept out by a lock of whoever owns the log.
 * After a failed write or sync the log is failed for good: appends reject with `LOG_FAILED`. Close it and open it again.
 *
 * @param path - The current file.
 * @param options - See {@link OpenLogOptions}.
 * @throws {LogError} `LOG_DAMAGED` (with line and offset), `LOG_HELD`, `LOG_NO_SPACE`, `LOG_IO`.
 * @see {@link https://github.com/ndjson/ndjson-spec | NDJSON}
 */
export async function openLog(path: string, options: OpenLogOptions = {}): Promise<Log> {
  checkOptions(options);
  const { fileSystem = nodeFileSystem, mode = 0o600, onRepair, signal } = options;
  const target = resolve(path);
  signal?.throwIfAborted();
  let release: (() => void) | undefined;
  let file: OpenFile | undefined;
  try {
    await ensureDirectory(dirname(target), { fileSystem });
    release = holdLog(target, fileSystem);
    const kind = fileSystem.lstatSync(target)?.kind ?? "file";
    if (kind !== "file")
      throw new LogError("LOG_IO", `Cannot open "${path}": it is a ${kind}, not a file`, { path });
    file = fileSystem.openSync(target, "append", mode, { noFollow: true });
    const prepared = await prepareLog(target, file, options);
    if (prepared.repair !== undefined) onRepair?.(prepared.repair);
    return new LogWriter(target, prepared, options, release);
  } catch (error) {
    file?.closeSync();
    release?.();
    if (signal?.aborted === true) throw error;
    throw asLogError("open", path, error);
  }
}
