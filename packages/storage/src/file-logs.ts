import { join } from "node:path";
import { type LogStart, type LogText, listLogFiles, readLines, type TailRepair } from "@holdfast/ndjson";
import { asStoreError, withStoreErrors } from "./file-errors.ts";
import { checkKey, checkPrefix } from "./key.ts";
import { LogAppender } from "./log-appender.ts";
import type { LogIndex } from "./log-index/log-index.ts";
import { LogIndexes } from "./log-index/log-indexes.ts";
import type { SearchLimits } from "./log-index/question-queue.ts";
import { checkAppendOptions, checkFrom, checkItems, MAX_TEXT_BYTES } from "./log-item.ts";
import { logLockPath } from "./log-lock.ts";
import { logFormat, logName, logPath } from "./log-path.ts";
import { LogPlaces } from "./log-places.ts";
import { LogSummaries } from "./log-summaries.ts";
import { marksOf } from "./marks.ts";
import { checkFindOptions, countLines, type SearchedLine, searchLines } from "./search.ts";
import type {
  Fence,
  Filter,
  FindOptions,
  LogAppendOptions,
  LogItem,
  LogLine,
  Logs,
  Page,
  SearchedLog,
} from "./store.ts";
import type { StoreFolder } from "./store-folder.ts";
import type { Clock } from "./timestamp.ts";
import { walkKeys } from "./walk-keys.ts";

// A line written by another program, or under an older limit, is read all the same.
const MAX_READ_BYTES = 64 * 1024 * 1024;
const POLL_MS = 50;
/** So many lines are read sooner than it is found out where they end. */
const NEAR = 2_048;
/** Longest time from a `written` append to its sync. */
const SYNC_INTERVAL_MS = 1_000;

/** Options of {@link FileLogs}. */
export interface FileLogsOptions {
  readonly clock: Clock;
  readonly rotateBytes: number | undefined;
  readonly summaryBytes: number | undefined;
  readonly writerWaitMs: number;
  readonly writerIdleMs: number;
  readonly onRepair: ((repair: TailRepair) => void) | undefined;
}

/** Logs as files: `K` is `K.ndjson`, see `logPath()` for the two exceptions. */
export class FileLogs implements Logs {
  readonly #folder: StoreFolder;
  readonly #options: FileLogsOptions;
  readonly #assertFence: (fence: Fence | undefined) => void;
  readonly #appenders = new Map<string, LogAppender>();
  readonly #places = new LogPlaces();
  readonly #indexes: LogIndexes;
  readonly #summaries: LogSummaries;
  readonly #waiting = new Set<() => void>();

  constructor(
    folder: StoreFolder,
    options: FileLogsOptions,
    assertFence: (fence: Fence | undefined) => void,
  ) {
    this.#folder = folder;
    this.#indexes = new LogIndexes(folder);
    this.#summaries = new LogSummaries(folder);
    this.#options = options;
    this.#assertFence = assertFence;
  }

  async append(
    key: string,
    items: readonly LogItem[],
    options: LogAppendOptions = {},
  ): Promise<{ readonly position: number; readonly duplicate: boolean }> {
    this.#folder.assertOpen();
    checkKey(key);
    checkItems(key, items);
    checkAppendOptions(options);
    const { fence, ...rest } = options;
    return withStoreErrors("write", logPath(key), async () => {
      this.#folder.makeStore();
      const appender = this.#appenderOf(key);
      // Opening a log takes it from others; of one that is open here each line is checked when it is written.
      if (appender.position === undefined) this.#assertFence(fence);
      return appender.append(items, {
        ...rest,
        ...(fence !== undefined && {
          item: `${fence.queue}/${fence.id}`,
          check: () => this.#assertFence(fence),
        }),
      });
    });
  }

  async sync(key: string): Promise<void> {
    this.#folder.assertOpen();
    checkKey(key);
    await this.#appenders.get(key)?.sync();
  }

  async head(key: string): Promise<number> {
    this.#folder.assertOpen();
    checkKey(key);
    const open = this.#appenders.get(key)?.position;
    if (open !== undefined) return open;
    return withStoreErrors("read", logPath(key), async () => {
      if (!this.#folder.canRead()) return 0;
      // Where nothing follows a known place (a file that was just put aside), the line before it is the last.
      let position = (this.#placeBefore(key, Number.MAX_SAFE_INTEGER)?.position ?? 1) - 1;
      for await (const line of this.#lines(key, position + 1)) {
        this.#places.note(key, line);
        position = line.position;
      }
      return position;
    });
  }

  async *read(
    key: string,
    options: { readonly from?: number; readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<LogLine> {
    const { from = 1, signal } = options;
    checkKey(key);
    checkFrom(from);
    try {
      if (!this.#folder.canRead()) return;
      // What is written and not acknowledged yet could still be taken back.
      const to = this.#appenders.get(key)?.position;
      for await (const line of this.#lines(key, from, to, signal)) {
        signal?.throwIfAborted();
        this.#places.note(key, line);
        yield { position: line.position, text: line.text };
      }
    } catch (error) {
      throw asStoreError(error, "read", logPath(key));
    }
  }

  async *tail(
    key: string,
    options: { readonly from?: number; readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<LogLine> {
    const { signal } = options;
    let { from = 1 } = options;
    this.#folder.assertOpen();
    checkKey(key);
    checkFrom(from);
    while (!isAborted(signal) && !this.#folder.closed) {
      const more = this.#more(signal);
      const before = from;
      try {
        for await (const line of this.read(key, { from, ...(signal !== undefined && { signal }) })) {
          from = line.position + 1;
          yield line;
          if (this.#folder.closed) return;
        }
      } catch (error) {
        if (isAborted(signal) || this.#folder.closed) return;
        throw error;
      }
      if (from === before) await more;
    }
  }

  async find(key: string, filter: Filter, options: FindOptions): Promise<Page<LogLine> & SearchedLog> {
    this.#folder.assertOpen();
    checkKey(key);
    checkFindOptions(options);
    return this.#search(key, options.signal, {
      scan: (lines) => searchLines(lines, filter, options, logFormat(key)),
      look: (index, limits) => index.find(filter, options, limits),
    });
  }

  async count(
    key: string,
    filter: Filter,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<{ readonly count: number } & SearchedLog> {
    this.#folder.assertOpen();
    checkKey(key);
    return this.#search(key, options.signal, {
      scan: (lines) => countLines(lines, filter, logFormat(key)),
      look: (index, limits) => index.count(filter, limits),
    });
  }

  async list(prefix: string): Promise<readonly string[]> {
    checkPrefix(prefix);
    return withStoreErrors("read", prefix, async () => {
      if (!this.#folder.canRead()) return [];
      const { root, fileSystem } = this.#folder;
      const keys: string[] = [];
      for (const { key } of walkKeys(this.#folder, logName, { prefix })) {
        // A log is there when it has lines: one that was only opened has none.
        const files = listLogFiles(join(root, logPath(key)), { fileSystem });
        if (files.some((path) => (fileSystem.statSync(path)?.size ?? 0) > 0)) keys.push(key);
      }
      return keys;
    });
  }

  /** The file and line of a position, as far as that is known without reading. */
  locate(key: string, position: number | undefined): string {
    const relative = logPath(key);
    if (position === undefined) return relative;
    const { root, fileSystem } = this.#folder;
    const known = this.#places.before(key, position);
    if (known !== undefined && known.path !== join(root, relative)) {
      return `${this.#folder.relative(known.path)}:${known.line + position - known.position}`;
    }
    if (known !== undefined) return `${relative}:${known.line + position - known.position}`;
    const isRotated = listLogFiles(join(root, relative), { fileSystem }).length > 1;
    return isRotated ? `${relative} (position ${position})` : `${relative}:${position}`;
  }

  /** Closes the logs that were written under a fence: whoever holds the item next writes them. */
  async closeUnder(fence: Fence): Promise<void> {
    const item = `${fence.queue}/${fence.id}`;
    const under = [...this.#appenders.values()].filter((appender) => appender.isUnder(item));
    await Promise.all(under.map((appender) => appender.rest()));
  }

  /** Closes all logs for now; a later append opens them again. */
  async rest(): Promise<void> {
    await Promise.all([...this.#appenders.values()].map((appender) => appender.rest()));
    await this.#indexes.close();
    await this.#summaries.settled();
  }

  async close(): Promise<void> {
    await Promise.all([...this.#appenders.values()].map((appender) => appender.close()));
    await this.#indexes.close();
    await this.#summaries.settled();
    this.#wake();
  }

  #appenderOf(key: string): LogAppender {
    const known = this.#appenders.get(key);
    if (known !== undefined) return known;
    const { clock, rotateBytes, summaryBytes, writerIdleMs, writerWaitMs, onRepair } = this.#options;
    const { fileSystem } = this.#folder;
    const appender = new LogAppender({
      key,
      path: this.#folder.pathOf(logPath(key)),
      lockPath: this.#folder.pathOf(logLockPath(key)),
      waitMs: writerWaitMs,
      idleMs: writerIdleMs,
      fileSystem,
      log: {
        format: logFormat(key),
        maxLineBytes: MAX_TEXT_BYTES,
        syncIntervalMs: SYNC_INTERVAL_MS,
        clock,
        onSummary: (text) => this.#summaries.save(key, text),
        ...(rotateBytes !== undefined && { rotateBytes }),
        ...(summaryBytes !== undefined && { summaryBytes }),
        ...(onRepair !== undefined && { onRepair }),
      },
      summary: () => this.#summaries.load(key),
      read: (from) => this.read(key, { from }),
      idOf: (text) => marksOf(text).id,
      onAppend: () => this.#wake(),
    });
    this.#appenders.set(key, appender);
    return appender;
  }

  /** A place to start reading at: one that was passed already, or what is known of the files of a long log. */
  #placeBefore(key: string, position: number): LogStart | undefined {
    const passed = this.#places.before(key, position);
    if (position - (passed?.position ?? 1) < NEAR) return passed;
    const known = this.#appenders.get(key)?.seek(position) ?? this.#summaries.placeOf(key, position);
    return (known?.position ?? 0) > (passed?.position ?? 0) ? known : passed;
  }

  /** Lines with their places, which whoever takes them notes. A generator in between would cost as much as reading a line does. */
  #lines(key: string, from: number, to?: number, signal?: AbortSignal): AsyncIterable<LogText> {
    const { fileSystem } = this.#folder;
    const at = this.#placeBefore(key, from);
    return readLines(this.#folder.pathOf(logPath(key)), {
      from,
      format: logFormat(key),
      maxLineBytes: MAX_READ_BYTES,
      fileSystem,
      ...(at !== undefined && { at }),
      ...(to !== undefined && { to }),
      ...(signal !== undefined && { signal }),
    });
  }

  /** Searches by the index; a log of plain text, which has none, line by line. */
  async #search<T>(
    key: string,
    signal: AbortSignal | undefined,
    ways: {
      readonly scan: (lines: AsyncIterable<SearchedLine>) => Promise<T>;
      readonly look: (index: LogIndex, limits: SearchLimits) => Promise<T>;
    },
  ): Promise<T> {
    const isText = logFormat(key) === "text";
    if (isText || !this.#folder.canRead()) {
      return ways.scan(this.read(key, signal === undefined ? {} : { signal }));
    }
    return withStoreErrors("read", logPath(key), () => {
      // What is written and not acknowledged yet could still be taken back.
      const to = this.#appenders.get(key)?.position;
      return ways.look(this.#indexes.of(key), { to, signal });
    });
  }

  #more(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(done);
        signal?.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, POLL_MS); // other processes append without a word
      this.#waiting.add(done);
      signal?.addEventListener("abort", done, { once: true });
    });
  }

  #wake(): void {
    for (const resume of this.#waiting) resume();
  }
}

function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}
