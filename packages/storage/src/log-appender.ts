import { acquireLock, breakLock, type FileSystem, type Lock, LockHeldError } from "@holdfast/fsutil";
import { type Log, LogError, type OpenLogOptions, openLog } from "@holdfast/ndjson";
import { StoreError, StoreHeldError } from "./errors.ts";
import { asStoreError, isSyncFailure } from "./file-errors.ts";
import { IdIndex, possibleIds } from "./id-index.ts";
import { freshItems } from "./memory-logs.ts";
import type { LogItem, LogLine } from "./store.ts";

/** What a {@link LogAppender} needs. */
export interface LogAppenderOptions {
  readonly key: string;
  readonly path: string;
  /** Folder of the lock that keeps other writers out. */
  readonly lockPath: string;
  /** How long to wait for another writer. */
  readonly waitMs: number;
  /** How long to keep the log after an append without a fence. */
  readonly idleMs: number;
  readonly fileSystem: FileSystem;
  readonly log: OpenLogOptions;
  /** Reads the log from a position, to know ids again. */
  readonly read: (from: number) => AsyncIterable<LogLine>;
  /** The id of a line. */
  readonly idOf: (text: string) => string | undefined;
  readonly onAppend: () => void;
}

/** How {@link LogAppender} appends a batch. */
export interface AppendBatchOptions {
  readonly expected?: number;
  /** The item of the fence. */
  readonly item?: string;
  /** Throws when the fence is old. */
  readonly check?: () => void;
  readonly durability?: "synced" | "written";
  readonly whole?: boolean;
  /** For a log that is opened by this append. */
  readonly rotateBytes?: number;
}

interface Opened {
  readonly log: Log;
  readonly lock: Lock;
}

/** Knows ids: `at` is the position up to which the log was read for them. */
interface Ids {
  readonly index: IdIndex;
  position: number;
  size: number;
}

/**
 * Appends to one log. It is opened, and locked against other processes, by the first append; it stays open under a fence, and is
 * closed soon after the last append without one.
 */
export class LogAppender {
  readonly #options: LogAppenderOptions;
  #opened: Promise<Opened> | undefined;
  #log: Log | undefined;
  #ids: Promise<Ids> | undefined;
  /** What was opened before and is as it was: its ids need not be read again. */
  #known: Ids | undefined;
  #pending = new Map<string, Promise<unknown>>();
  #active = 0;
  #inFlight = new Set<Promise<unknown>>();
  #failure: StoreError | undefined;
  #fences = new Set<string>();
  /** Whether something was written that no sync is known for. */
  #unsynced = false;
  #timer: NodeJS.Timeout | undefined;
  #closing: Promise<void> | undefined;
  #closed = false;

  constructor(options: LogAppenderOptions) {
    this.#options = options;
  }

  /** Position of the last acknowledged line; `undefined` while the log is not open here. */
  get position(): number | undefined {
    return this.#log?.position;
  }

  /** Whether something was appended under a fence of an item. */
  isUnder(item: string): boolean {
    return this.#fences.has(item);
  }

  async append(
    items: readonly LogItem[],
    options: AppendBatchOptions,
  ): Promise<{ readonly position: number; readonly duplicate: boolean }> {
    this.#active += 1;
    clearTimeout(this.#timer);
    try {
      for (let attempt = 0; ; attempt += 1) {
        const opened = await this.#open(options);
        if (options.item !== undefined) this.#fences.add(options.item);
        try {
          return await this.#append(opened, items, options);
        } catch (error) {
          // An earlier append failed in between; this one was not written.
          const isLate =
            error instanceof LogError && (error.code === "LOG_FAILED" || error.code === "LOG_CLOSED");
          await this.#afterFailure(opened, error);
          if (!isLate || this.#failure !== undefined || attempt > 2) throw error;
        }
      }
    } catch (error) {
      throw this.#failure !== undefined && error instanceof LogError && error.code === "LOG_FAILED"
        ? this.#failure
        : asStoreError(error, "write", this.#options.path);
    } finally {
      this.#active -= 1;
      this.#closeWhenIdle();
    }
  }

  /** Resolves when everything that was appended here is on stable storage. */
  async sync(): Promise<void> {
    this.#active += 1;
    clearTimeout(this.#timer);
    try {
      for (let attempt = 0; ; attempt += 1) {
        await this.#closing;
        if (this.#failure !== undefined) throw this.#failure;
        if (!this.#unsynced) return; // a log that was given back is synced
        const opened = await this.#open({}); // opening it syncs what an earlier failure (a full disk) left
        try {
          await opened.log.flush();
          return;
        } catch (error) {
          await this.#afterFailure(opened, error);
          if (this.#failure !== undefined) throw this.#failure;
          if (attempt > 2) throw error;
        }
      }
    } catch (error) {
      throw asStoreError(error, "write", this.#options.path);
    } finally {
      this.#active -= 1;
      this.#closeWhenIdle();
    }
  }

  /** Waits for what was appended, and gives the log back. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await Promise.allSettled(this.#inFlight);
    await this.#release();
  }

  /** As `close()`, to be opened again by a later append. */
  async rest(): Promise<void> {
    clearTimeout(this.#timer);
    await Promise.allSettled(this.#inFlight);
    await this.#release();
  }

  async #append(
    opened: Opened,
    items: readonly LogItem[],
    options: AppendBatchOptions,
  ): Promise<{ readonly position: number; readonly duplicate: boolean }> {
    const wanted = items.map(({ dedupe }) => dedupe).filter((id) => id !== undefined);
    let known: ReadonlyMap<string, number> = new Map();
    if (wanted.length > 0) {
      const { index } = await this.#knowIds(opened);
      const seen = new Map<number, string | undefined>();
      // From the last look to the append nothing waits: two callers with one id cannot both find it missing.
      for (let look = this.#look(index, wanted, seen); ; look = this.#look(index, wanted, seen)) {
        if (!(look instanceof Promise)) {
          known = look;
          break;
        }
        await look;
      }
    }
    options.check?.();
    const fresh = freshItems(items, (id) => known.get(id));
    if (fresh.items.length === 0) return { position: fresh.known, duplicate: true };
    const texts = fresh.items.map(({ text }) => text);
    const { expected, check, durability, whole } = options;
    const appendOptions = {
      ...(expected !== undefined && { expected }),
      ...(check !== undefined && { beforeAcknowledge: check }),
      ...(durability === "written" && { durability: "batch" as const }),
      ...(whole !== undefined && { whole }),
    };
    if (durability === "written") this.#unsynced = true;
    const [first = ""] = texts;
    const appended =
      texts.length === 1
        ? opened.log.appendText(first, appendOptions)
        : opened.log.appendTexts(texts, appendOptions);
    this.#inFlight.add(appended);
    const ids = this.#ids === undefined ? [] : texts.map((text) => possibleIds(text));
    for (const id of ids.flat()) this.#pending.set(id, appended);
    try {
      const { position } = await appended;
      const found = await this.#ids?.catch(() => undefined);
      if (found !== undefined) {
        const start = position - texts.length + 1;
        for (const [index, each] of ids.entries()) for (const id of each) found.index.add(id, start + index);
      }
      this.#options.onAppend();
      return { position, duplicate: false };
    } finally {
      this.#inFlight.delete(appended);
      for (const id of ids.flat()) if (this.#pending.get(id) === appended) this.#pending.delete(id);
    }
  }

  /**
   * The positions of those ids that the log holds, or what to wait for before looking again: an append of one of them, or a line
   * that may hold it. `seen`: the ids of the lines that were read for it.
   */
  #look(
    index: IdIndex,
    wanted: readonly string[],
    seen: Map<number, string | undefined>,
  ): ReadonlyMap<string, number> | Promise<unknown> {
    const known = new Map<string, number>();
    for (const id of wanted) {
      const pending = this.#pending.get(id);
      if (pending !== undefined) return pending.catch(() => undefined);
      for (const position of index.candidates(id)) {
        if (!seen.has(position)) return this.#idAt(position).then((found) => seen.set(position, found));
        const first = known.get(id) ?? Number.POSITIVE_INFINITY;
        if (seen.get(position) === id) known.set(id, Math.min(first, position));
      }
    }
    return known;
  }

  /** Reads the ids once; where that fails the next append tries again. */
  async #knowIds(opened: Opened): Promise<Ids> {
    const reading = (this.#ids ??= this.#readIds(opened));
    try {
      return await reading;
    } catch (error) {
      if (this.#ids === reading) this.#ids = undefined;
      throw error;
    }
  }

  async #idAt(position: number): Promise<string | undefined> {
    for await (const { text } of this.#options.read(position)) return this.#options.idOf(text);
    return undefined;
  }

  async #readIds({ log }: Opened): Promise<Ids> {
    // What was appended before ids were wanted is read from the file, so it has to be there.
    await Promise.allSettled(this.#inFlight);
    if (this.#known !== undefined && this.#known.position === log.position && this.#known.size === log.size) {
      return this.#known;
    }
    const ids: Ids = { index: new IdIndex(), position: 0, size: 0 };
    for await (const { position, text } of this.#options.read(1)) {
      for (const id of possibleIds(text)) ids.index.add(id, position);
    }
    return ids;
  }

  async #open(options: AppendBatchOptions): Promise<Opened> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#closing !== undefined) await this.#closing;
      else break;
    }
    if (this.#closed)
      throw new StoreError("STORE_CLOSED", `Cannot append to "${this.#options.key}": the store is closed`);
    const opened = (this.#opened ??= this.#openNow(options));
    try {
      return await opened;
    } catch (error) {
      if (this.#opened === opened) this.#opened = undefined;
      if (isSyncFailure(error)) this.#failure = this.#failed(error);
      throw error;
    }
  }

  async #openNow({ item, rotateBytes }: AppendBatchOptions): Promise<Opened> {
    const { path, fileSystem, log: options } = this.#options;
    const lock = await this.#lock(item);
    try {
      const log = await openLog(path, {
        ...options,
        fileSystem,
        ...(rotateBytes !== undefined && { rotateBytes }),
      });
      this.#log = log;
      return { log, lock };
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  async #lock(item: string | undefined): Promise<Lock> {
    const { lockPath, waitMs, fileSystem, key } = this.#options;
    const under = item === undefined ? "" : ` under ${item}`;
    const options = { worker: `writer of ${key}${under}`, fileSystem };
    try {
      return await acquireLock(lockPath, { ...options, waitMs });
    } catch (error) {
      if (!(error instanceof LockHeldError)) throw error;
      const { holder } = error;
      // Whoever wrote this log under the item that we hold now has lost it: a person broke a lock whose holder cannot be seen.
      // A holder that can be seen to live keeps its lock all the same.
      if (under === "" || holder === undefined || !holder.worker.endsWith(under))
        throw this.#heldError(error);
      try {
        await breakLock(lockPath, { ...options, token: holder.token });
        return await acquireLock(lockPath, options);
      } catch (again) {
        throw again instanceof LockHeldError ? this.#heldError(again) : again;
      }
    }
  }

  #heldError(error: LockHeldError): StoreHeldError {
    const { key, path } = this.#options;
    const { worker = "unknown", token = 0, pid, host, since } = error.holder ?? {};
    const who = pid === undefined ? "another process" : `process ${pid} on ${host} since ${since}`;
    return new StoreHeldError(
      `Cannot append to "${key}": ${who} is writing it; wait until it is done, or end that process`,
      {
        path,
        cause: error,
        holder: {
          worker,
          token,
          ...(pid !== undefined && { pid }),
          ...(host !== undefined && { host }),
          ...(since !== undefined && { since }),
        },
      },
    );
  }

  /** After a failed write the log refuses everything. One that no sync failed for can be opened again; the other never is. */
  async #afterFailure(opened: Opened, error: unknown): Promise<void> {
    if (!(error instanceof LogError) || error.code === "LOG_CONFLICT" || error.code === "LOG_LINE_TOO_LONG")
      return;
    const cause = error.code === "LOG_FAILED" ? error.cause : error;
    const isFull = cause instanceof LogError && cause.code === "LOG_NO_SPACE";
    const isFence = error.code === "LOG_FAILED" && !(cause instanceof LogError && cause.code === "LOG_IO");
    if (isSyncFailure(error) || !(isFull || isFence || error.code === "LOG_CLOSED"))
      this.#failure ??= this.#failed(error);
    else if ((await this.#opened?.catch(() => undefined)) === opened) await this.#release();
  }

  #failed(cause: unknown): StoreError {
    const { key, path } = this.#options;
    const detail = cause instanceof Error ? cause.message : String(cause);
    return new StoreError(
      "STORE_FAILED",
      `Cannot append to "${key}": an earlier write failed, and nothing after it can be trusted; close the store and open it again (${detail})`,
      { path, cause },
    );
  }

  #closeWhenIdle(): void {
    if (this.#active > 0 || this.#closed || this.#opened === undefined || this.#fences.size > 0) return;
    this.#timer = setTimeout(() => {
      if (this.#active === 0) void this.#release();
    }, this.#options.idleMs);
    this.#timer.unref();
  }

  async #release(): Promise<void> {
    if (this.#closing !== undefined) return this.#closing;
    const opening = this.#opened;
    if (opening === undefined) return;
    this.#closing = (async () => {
      try {
        const { log, lock } = await opening;
        try {
          const ids = await this.#ids?.catch(() => undefined);
          if (ids !== undefined) this.#known = Object.assign(ids, { position: log.position, size: log.size });
          await log.close();
          if (!log.failed) this.#unsynced = false;
        } finally {
          lock.release();
        }
      } catch (error) {
        // Everything that was acknowledged is synced; what was not has been refused already.
        if (isSyncFailure(error)) this.#failure ??= this.#failed(error);
        this.#known = undefined;
      } finally {
        this.#opened = undefined;
        this.#log = undefined;
        this.#ids = undefined;
        this.#fences.clear();
        this.#closing = undefined;
      }
    })();
    return this.#closing;
  }
}
