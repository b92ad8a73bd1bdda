import type { Lock } from "@holdfast/fsutil";
import { type Log, LogError, type LogStart, type OpenLogOptions, openLog } from "@holdfast/ndjson";
import { StoreError } from "./errors.ts";
import { asStoreError, isSyncFailure } from "./file-errors.ts";
import { KnownIds, type KnownIdsOptions } from "./known-ids.ts";
import { freshItems } from "./memory-logs.ts";
import type { LogItem } from "./store.ts";
import { lockForWriting, type WriterLockOptions } from "./writer-lock.ts";

/** What a {@link LogAppender} needs. */
export interface LogAppenderOptions extends WriterLockOptions, KnownIdsOptions {
  /** How long to keep the log after an append without a fence. */
  readonly idleMs: number;
  readonly log: OpenLogOptions;
  /** What is known of the log's files, if something is. */
  readonly summary: () => string | undefined;
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

/**
 * Appends to one log. It is opened, and locked against other processes, by the first append; it stays open under a fence, and is
 * closed soon after the last append without one.
 */
export class LogAppender {
  readonly #options: LogAppenderOptions;
  readonly #ids: KnownIds;
  #opened: Promise<Opened> | undefined;
  #log: Log | undefined;
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
    this.#ids = new KnownIds(options);
  }

  /** Position of the last acknowledged line; `undefined` while the log is not open here. */
  get position(): number | undefined {
    return this.#log?.position;
  }

  /** A place at or before a position, while the log is open here. */
  seek(position: number): LogStart | undefined {
    return this.#log?.seek(position);
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
      const index = await this.#ids.load(opened.log, this.#inFlight);
      const seen = new Map<number, string | undefined>();
      // From the last look to the append nothing waits: two callers with one id cannot both find it missing.
      for (let look = this.#ids.look(index, wanted, seen); ; look = this.#ids.look(index, wanted, seen)) {
        if (!(look instanceof Promise)) {
          known = look;
          break;
        }
        await look;
      }
    }
    const fresh = freshItems(items, (id) => known.get(id));
    if (fresh.items.length === 0) {
      options.check?.(); // the log checks what it writes, before and after
      return { position: fresh.known, duplicate: true };
    }
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
    try {
      const { position } = await this.#ids.watch(texts, appended);
      this.#options.onAppend();
      return { position, duplicate: false };
    } catch (error) {
      // The fence is what is told first, whatever the log refused before it came to look.
      check?.();
      throw error;
    } finally {
      this.#inFlight.delete(appended);
    }
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

  async #openNow({ item, rotateBytes, durability }: AppendBatchOptions): Promise<Opened> {
    const { path, fileSystem, log: options } = this.#options;
    const lock = await lockForWriting(this.#options, item);
    try {
      const summary = this.#options.summary();
      const log = await openLog(path, {
        ...options,
        ...(summary !== undefined && { summary }),
        fileSystem,
        ...(rotateBytes !== undefined && { rotateBytes }),
        // What was never synced may have holes after a power cut; it was promised to nobody, and must not be in the way of what follows.
        keepHoles: durability === "written",
      });
      this.#log = log;
      return { log, lock };
    } catch (error) {
      lock.release();
      throw error;
    }
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
      let isWhole = true;
      try {
        const { log, lock } = await opening;
        try {
          await this.#ids.keep(log);
          await log.close();
          if (!log.failed) this.#unsynced = false;
        } finally {
          lock.release();
        }
      } catch (error) {
        // Everything that was acknowledged is synced; what was not has been refused already.
        if (isSyncFailure(error)) this.#failure ??= this.#failed(error);
        isWhole = false;
      } finally {
        this.#opened = undefined;
        this.#log = undefined;
        this.#ids.rest(isWhole);
        this.#fences.clear();
        this.#closing = undefined;
      }
    })();
    return this.#closing;
  }
}
