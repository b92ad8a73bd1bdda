import { hash } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import { type FileStat, type FileSystem, nodeFileSystem, type OpenFile } from "@holdfast/fsutil";
import { AppendQueue, lineCount, tell, type Waiting } from "./append-queue.ts";
import { BatchIntent } from "./batch-intent.ts";
import { CommitPace } from "./commit-pace.ts";
import { LineEncoder } from "./encode-lines.ts";
import { asLogError, LogConflictError, LogError } from "./errors.ts";
import type { LineIndex } from "./line-index.ts";
import type { Appended, AppendOptions, LogStart, OpenLogOptions } from "./log-options.ts";
import type { Log } from "./open-log.ts";
import { DEFAULT_MAX_LINE_BYTES } from "./read-blocks.ts";
import { recordText } from "./record-text.ts";
import type { TailRepair } from "./recover-tail.ts";
import { rotateLog } from "./rotate-log.ts";
import { writeAll, writeAllSync } from "./write-all.ts";

// Records that wait are written together up to this size: one write, one sync.
const MAX_GROUP_BYTES = 8 * 1024 * 1024;
// A larger write goes to the thread pool; a smaller one costs less than the way there.
const SYNC_WRITE_BYTES = 1024 * 1024;
const LOOK_EVERY_MS = 20;

interface Group {
  readonly members: Waiting[];
  /** Refused before the write; told when the others are. */
  readonly refused: Waiting[];
  readonly bytes: number;
  readonly hasBatch: boolean;
  /** Whether it is acknowledged when it is synced, and not before. */
  readonly mustSync: boolean;
  readonly rotateFirst: boolean;
}

/** Lets everything run that is ready to run: callers whose append was just acknowledged append again, into the next group. */
function afterCallers(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}

/** {@link Log} over an open file: a queue, and one loop that writes what waits, syncs once, and acknowledges in order. */
export class LogWriter implements Log {
  readonly path: string;
  readonly repair: TailRepair | undefined;
  readonly #options: OpenLogOptions;
  readonly #fileSystem: FileSystem;
  readonly #maxLineBytes: number;
  readonly #index: LineIndex;
  readonly #queue = new AppendQueue();
  readonly #intent: BatchIntent;
  readonly #release: () => void;
  #file: OpenFile;
  #identity: FileStat;
  readonly #encoder = new LineEncoder();
  /** How far the file was written to, acknowledged or not. */
  #writtenTo = 0;
  #lookAgainAt = 0;
  #inFlightBytes = 0;
  /** Durable, but their callers were not told yet: the next sync is started first. */
  #settled: Waiting[] = [];
  readonly #pace = new CommitPace();
  #running: Promise<void> | undefined;
  #failure: LogError | undefined;
  /** A failure that no caller was told yet (a sync in the background). */
  #untold = false;
  #closing: Promise<void> | undefined;
  #unsynced = false;
  #timer: NodeJS.Timeout | undefined;
  #readyWaiters: { readonly below: number; readonly resolve: () => void }[] = [];

  constructor(
    path: string,
    prepared: { readonly file: OpenFile; readonly repair: TailRepair | undefined; readonly index: LineIndex },
    options: OpenLogOptions,
    release: () => void,
  ) {
    this.path = path;
    this.repair = prepared.repair;
    this.#file = prepared.file;
    this.#identity = prepared.file.statSync();
    this.#index = prepared.index;
    this.#options = options;
    this.#fileSystem = options.fileSystem ?? nodeFileSystem;
    this.#maxLineBytes = options.maxLineBytes ?? DEFAULT_MAX_LINE_BYTES;
    this.#intent = new BatchIntent(path, this.#fileSystem);
    this.#release = release;
  }

  get position(): number {
    return this.#index.position;
  }

  get size(): number {
    return this.#index.size;
  }

  get pendingBytes(): number {
    return this.#queue.bytes + this.#inFlightBytes;
  }

  get failed(): boolean {
    return this.#failure !== undefined;
  }

  seek(position: number): LogStart | undefined {
    return this.#index.seek(this.path, this.#identity.ino, position);
  }

  append(record: unknown, options?: AppendOptions): Promise<Appended> {
    try {
      return this.#enqueue(this.#checked(this.#recordText(record)), options);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  appendText(text: string, options?: AppendOptions): Promise<Appended> {
    try {
      return this.#enqueue(this.#checked(this.#exactText(text)), options);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  // Not async, as the two above: one more turn for its promise, and acknowledgements would come out of order.
  appendMany(records: readonly unknown[], options?: AppendOptions): Promise<Appended> {
    try {
      const lines = records.map((record) => this.#checked(this.#recordText(record)));
      return this.#enqueue(lines, options);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  appendTexts(texts: readonly string[], options?: AppendOptions): Promise<Appended> {
    try {
      const lines = texts.map((text) => this.#checked(this.#exactText(text)));
      return this.#enqueue(lines, options);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async ready(maxPendingBytes: number = 16 * 1024 * 1024): Promise<void> {
    if (this.pendingBytes <= maxPendingBytes) return;
    await new Promise<void>((resolve) => this.#readyWaiters.push({ below: maxPendingBytes, resolve }));
  }

  async flush(): Promise<void> {
    await this.#enqueue([], undefined);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #recordText(record: unknown): string {
    if (this.#options.format === "text")
      throw new TypeError("append() is for logs of JSON; use appendText() for a text log");
    return recordText(record);
  }

  #exactText(text: string): string {
    if (text.includes("\n")) throw new TypeError("A line of a log cannot hold a newline");
    if (!text.isWellFormed())
      throw new TypeError("A line of a log cannot hold a lone surrogate: UTF-8 has no bytes for it");
    if (text === "" && this.#options.format !== "text")
      throw new TypeError("An empty line is no value of JSON");
    return text;
  }

  #checked(line: string): string {
    if (line.length * 3 <= this.#maxLineBytes) return line;
    const length = Buffer.byteLength(line);
    if (length <= this.#maxLineBytes) return line;
    throw new LogError(
      "LOG_LINE_TOO_LONG",
      `Cannot append to "${this.path}": the record has ${length} bytes, the limit is ${this.#maxLineBytes}; keep large content in a file of its own, or raise maxLineBytes`,
      { path: this.path },
    );
  }

  #sizeOf(line: string): number {
    return (this.#options.rotateBytes === undefined ? line.length : Buffer.byteLength(line)) + 1;
  }

  #enqueue(lines: string | readonly string[], options: AppendOptions | undefined): Promise<Appended> {
    const { path } = this;
    if (this.#closing !== undefined) {
      throw new LogError("LOG_CLOSED", `Cannot append to "${path}": the log is closed; open it again`, {
        path,
      });
    }
    if (this.#failure !== undefined) throw this.#refusal(this.#failure);
    let size = 0;
    if (typeof lines === "string") size = this.#sizeOf(lines);
    else for (const line of lines) size += this.#sizeOf(line);
    return new Promise((resolve, reject) => {
      this.#queue.push({
        lines,
        size,
        options,
        resolve,
        reject,
        length: 0,
        lengths: undefined,
        outcome: undefined,
        refusal: undefined,
      });
      this.#running ??= this.#run();
    });
  }

  async #run(): Promise<void> {
    await afterCallers();
    while (true) {
      const waiting = this.#queue.length;
      const overlaps = this.#pace.overlaps(waiting + this.#settled.length);
      if (waiting === 0 || !overlaps) {
        await this.#letCallersRun(overlaps ? Math.ceil(this.#settled.length / 2) : this.#settled.length);
      }
      if (this.#queue.length > 0) await this.#commitNext();
      else if (this.#settled.length === 0) break;
    }
    this.#running = undefined;
  }

  async #commitNext(): Promise<void> {
    const group = this.#takeGroup();
    this.#inFlightBytes = group.bytes;
    try {
      await this.#commit(group);
    } catch (error) {
      this.#fail(error, group);
    }
    this.#inFlightBytes = 0;
    this.#wakeReady();
  }

  /** Tells the first callers whose records are durable, and lets them append again. */
  async #letCallersRun(count: number): Promise<void> {
    const start = performance.now();
    this.#tellSettled(count);
    // Where syncs are done in place, this is when the rest of the process gets its turn.
    if (this.#pace.isShort()) await setImmediate();
    else await afterCallers();
    this.#pace.sawCallers(count, performance.now() - start);
  }

  #tellSettled(count: number = this.#settled.length): void {
    const settled = this.#settled;
    this.#settled = settled.slice(count);
    for (let index = 0; index < count; index++) {
      const waiting = settled[index];
      if (waiting !== undefined) tell(waiting);
    }
  }

  /** Takes what is written together: as much as waits, up to a size, and up to where the file has to be rotated. */
  #takeGroup(): Group {
    const { rotateBytes = Number.POSITIVE_INFINITY, durability = "each" } = this.#options;
    const members: Waiting[] = [];
    const refused: Waiting[] = [];
    const first = this.#queue.peek();
    const rotateFirst = first !== undefined && this.size > 0 && this.size + first.size > rotateBytes;
    let size = rotateFirst ? 0 : this.size;
    let position = this.position;
    let bytes = 0;
    let hasBatch = false;
    let mustSync = false;
    while (true) {
      const next = this.#queue.peek();
      if (next === undefined) break;
      const isFull = bytes > 0 && bytes + next.size > MAX_GROUP_BYTES;
      if (isFull || (size > 0 && next.size > 0 && size + next.size > rotateBytes)) break;
      this.#queue.take();
      try {
        const expected = next.options?.expected;
        if (expected !== undefined && expected !== position)
          throw new LogConflictError(this.path, expected, position);
        next.options?.beforeAcknowledge?.();
      } catch (error) {
        next.refusal = error;
        refused.push(next);
        continue;
      }
      members.push(next);
      bytes += next.size;
      size += next.size;
      position += lineCount(next);
      hasBatch ||= lineCount(next) > 1 && next.options?.whole !== false;
      mustSync ||= lineCount(next) === 0;
      mustSync ||= durability !== "none" && (next.options?.durability ?? durability) === "each";
    }
    return { members, refused, bytes, hasBatch, mustSync, rotateFirst: rotateFirst && bytes > 0 };
  }

  async #commit(group: Group): Promise<void> {
    if (this.#failure !== undefined) throw this.#refusal(this.#failure);
    const { durability = "each" } = this.#options;
    if (group.bytes > 0) {
      this.#recheck();
      this.#assertUnchanged();
      if (group.rotateFirst || group.hasBatch) this.#tellSettled(); // more than one sync to wait for
      if (group.rotateFirst) await this.#rotate();
      await this.#write(group);
      if (durability !== "none") this.#unsynced = true;
    }
    if (group.mustSync) {
      const syncing = this.#sync();
      syncing.catch(() => undefined); // it is awaited in a moment
      if (this.#settled.length > 0) await this.#letCallersRun(this.#settled.length);
      await syncing;
    }
    if (group.bytes > 0) this.#recheck(group.members);
    this.#inFlightBytes = 0;
    for (const waiting of group.members) this.#settle(waiting);
    this.#settled.push(...group.refused);
    if (this.#unsynced) this.#syncLater();
  }

  #settle(waiting: Waiting): void {
    const isFlush = waiting.size === 0;
    if (!isFlush) this.#index.add(waiting.length, waiting.lengths);
    const offset = isFlush ? this.size : this.size - waiting.length - 1;
    waiting.outcome = { position: this.position, offset, length: waiting.length };
    this.#settled.push(waiting);
  }

  /** A writer that lost its right must not write, and must not say that it wrote. */
  #recheck(members: readonly Waiting[] = []): void {
    try {
      this.#options.beforeAcknowledge?.();
      for (const { options } of members) options?.beforeAcknowledge?.();
    } catch (error) {
      throw new LostRight(error);
    }
  }

  /** Somebody else wrote to the file, replaced it or removed it: positions would be wrong, or the name is not ours. */
  #assertUnchanged(): void {
    const changed = this.#changeOf(this.#file.statSync()) ?? this.#changeOfName();
    if (changed === undefined) return;
    throw new LogError(
      "LOG_IO",
      `Cannot append to "${this.path}": it is ${changed}; another program changed it while it was open here`,
      { path: this.path },
    );
  }

  #changeOf({ size }: FileStat): string | undefined {
    return size === this.size ? undefined : `${size} bytes long instead of ${this.size}`;
  }

  /** Looking up a name takes longer than all the rest of a small append: now and then is enough. */
  #changeOfName(): string | undefined {
    const now = performance.now();
    if (now < this.#lookAgainAt) return undefined;
    this.#lookAgainAt = now + LOOK_EVERY_MS;
    const found = this.#fileSystem.statSync(this.path);
    if (found === undefined) return "gone";
    return found.ino === this.#identity.ino && found.dev === this.#identity.dev ? undefined : "another file";
  }

  async #rotate(): Promise<void> {
    this.#intent.clear();
    const { clock, durability, mode = 0o600 } = this.#options;
    this.#file = await rotateLog(this.path, this.#file, {
      fileSystem: this.#fileSystem,
      microseconds: clock?.() ?? BigInt(Date.now()) * 1_000n,
      durable: durability !== "none",
      mode,
    });
    this.#identity = this.#file.statSync();
    this.#index.rotate();
  }

  async #write(group: Group): Promise<void> {
    const bytes = this.#encoder.encode(group.members);
    const start = this.size;
    this.#writtenTo = start + bytes.length;
    if (group.hasBatch) {
      const range = { start, end: start + bytes.length, sha256: hash("sha256", bytes, "hex") };
      await this.#intent.announce(range, this.#options.durability !== "none");
    }
    if (bytes.length <= SYNC_WRITE_BYTES) writeAllSync(this.#file, bytes, start);
    else await writeAll(this.#file, bytes, start);
  }

  async #sync(): Promise<void> {
    if (!this.#unsynced) return;
    const start = performance.now();
    if (this.#settled.length === 0 && this.#pace.isShort()) this.#file.syncSync("data");
    else await this.#file.sync("data");
    this.#pace.sawSync(performance.now() - start);
    this.#unsynced = false;
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #syncLater(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.flush().catch(() => {
        this.#untold = true;
      });
    }, this.#options.syncIntervalMs ?? 50);
  }

  /** Ends the life of this log: what was not acknowledged is refused, and cut off where that is possible. */
  #fail(cause: unknown, group: Group): void {
    this.#tellSettled(); // what was synced before stays acknowledged
    const lost = cause instanceof LostRight;
    const error = lost ? cause.reason : asLogError("append to", this.path, cause);
    if (this.#failure === undefined) {
      this.#failure = asLogError("append to", this.path, error);
      if (!lost) this.#cutUnacknowledged();
    }
    for (const waiting of group.members) waiting.reject(error);
    for (const refused of group.refused) tell(refused);
    for (let waiting = this.#queue.take(); waiting !== undefined; waiting = this.#queue.take()) {
      waiting.reject(this.#refusal(this.#failure));
    }
  }

  /** After a failed write or sync the pages in memory are not to be trusted; whole records are left, and nothing else. */
  #cutUnacknowledged(): void {
    try {
      const { size } = this.#file.statSync();
      // More than we wrote: it is not only ours any more.
      if (size > this.size && size <= this.#writtenTo) this.#file.truncateSync(this.size);
    } catch {
      // The next one to open the log repairs it.
    }
  }

  #refusal(cause: LogError): LogError {
    this.#untold = false;
    return new LogError(
      "LOG_FAILED",
      `Cannot append to "${this.path}": an earlier write failed, so nothing after it can be trusted; close the log and open it again (${cause.message})`,
      { path: this.path, cause },
    );
  }

  #wakeReady(): void {
    const waiting = this.#readyWaiters;
    this.#readyWaiters = waiting.filter(({ below }) => this.pendingBytes > below);
    for (const { below, resolve } of waiting) if (this.pendingBytes <= below) resolve();
  }

  async #close(): Promise<void> {
    await this.#running;
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    try {
      if (this.#failure === undefined) {
        try {
          await this.#sync();
          this.#intent.clear();
        } catch (error) {
          this.#failure = asLogError("close", this.path, error);
          throw this.#failure;
        }
      } else if (this.#untold) {
        throw this.#refusal(this.#failure);
      }
    } finally {
      try {
        this.#intent.close();
      } finally {
        this.#closeFile();
      }
    }
  }

  #closeFile(): void {
    try {
      this.#file.closeSync();
    } finally {
      this.#release();
      this.#wakeReady();
    }
  }
}

/** What a check threw after the write: the bytes may belong to somebody else's log now, and stay. */
class LostRight extends Error {
  readonly reason: unknown;
  constructor(reason: unknown) {
    super("lost the right to write");
    this.reason = reason;
  }
}
