import { setImmediate } from "node:timers/promises";
import { nodeFileSystem } from "@holdfast/fsutil";
import { type AppendGroup, takeGroup } from "./append-group.ts";
import { AppendQueue, tell, type Waiting } from "./append-queue.ts";
import { CommitPace } from "./commit-pace.ts";
import { CurrentFile } from "./current-file.ts";
import { asLogError, LogError } from "./errors.ts";
import type { LineIndex } from "./line-index.ts";
import { type LineRules, lineOfRecord, lineOfText } from "./line-text.ts";
import type { Appended, AppendOptions, LogStart, OpenLogOptions } from "./log-options.ts";
import type { Log } from "./open-log.ts";
import type { PreparedLog } from "./prepare-log.ts";
import { DEFAULT_MAX_LINE_BYTES } from "./read-blocks.ts";
import type { TailRepair } from "./recover-tail.ts";
import { SummaryTeller } from "./summary-teller.ts";

/** Writes that need no sync follow each other for so long at most without a turn of the event loop. */
const TURN_EVERY_MS = 20;

/** Lets everything run that is ready to run: callers whose append was just acknowledged append again, into the next group. */
function afterCallers(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}

/** {@link Log} over an open file: a queue, and one loop that writes what waits, syncs once, and acknowledges in order. */
export class LogWriter implements Log {
  readonly path: string;
  readonly repair: TailRepair | undefined;
  readonly #options: OpenLogOptions;
  readonly #rules: LineRules;
  readonly #index: LineIndex;
  readonly #summaries: SummaryTeller;
  readonly #queue = new AppendQueue();
  readonly #release: () => void;
  readonly #file: CurrentFile;
  #inFlightBytes = 0;
  /** Durable, but their callers were not told yet: the next sync is started first. */
  #settled: Waiting[] = [];
  readonly #pace = new CommitPace();
  /** Whether the process stood still for a sync, and the event loop did not turn since. */
  #owesTurn = false;
  #turnedAt = performance.now();
  #running: Promise<void> | undefined;
  #failure: LogError | undefined;
  /** A failure that no caller was told yet (a sync in the background). */
  #untold = false;
  #closing: Promise<void> | undefined;
  #unsynced = false;
  #timer: NodeJS.Timeout | undefined;
  #readyWaiters: { readonly below: number; readonly resolve: () => void }[] = [];

  constructor(path: string, prepared: PreparedLog, options: OpenLogOptions, release: () => void) {
    this.path = path;
    this.repair = prepared.repair;
    this.#file = new CurrentFile(path, prepared.file, {
      fileSystem: options.fileSystem ?? nodeFileSystem,
      durable: options.durability !== "none",
    });
    this.#index = prepared.index;
    this.#summaries = new SummaryTeller(prepared, options);
    this.#options = options;
    const { format = "json", maxLineBytes = DEFAULT_MAX_LINE_BYTES } = options;
    this.#rules = { path, format, maxLineBytes };
    this.#release = release;
    this.#summaries.tell(this.#file, this.#index);
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
    return this.#index.seek(this.path, this.#file.inode, position);
  }

  append(record: unknown, options?: AppendOptions): Promise<Appended> {
    try {
      return this.#enqueue(lineOfRecord(record, this.#rules), options);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  appendText(text: string, options?: AppendOptions): Promise<Appended> {
    try {
      return this.#enqueue(lineOfText(text, this.#rules), options);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  // Not async, as the two above: one more turn for its promise, and acknowledgements would come out of order.
  appendMany(records: readonly unknown[], options?: AppendOptions): Promise<Appended> {
    try {
      const lines = records.map((record) => lineOfRecord(record, this.#rules));
      return this.#enqueue(lines, options);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  appendTexts(texts: readonly string[], options?: AppendOptions): Promise<Appended> {
    try {
      const lines = texts.map((text) => lineOfText(text, this.#rules));
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
    // After a sync in place, or some writes without one, the rest of the process gets its turn.
    if (this.#owesTurn || start - this.#turnedAt > TURN_EVERY_MS) {
      await setImmediate();
      this.#owesTurn = false;
      this.#turnedAt = performance.now();
    } else await afterCallers();
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

  #takeGroup(): AppendGroup {
    const { rotateBytes = Number.POSITIVE_INFINITY, durability = "each" } = this.#options;
    const { path, size, position } = this;
    return takeGroup(this.#queue, { path, size, position, rotateBytes, durability });
  }

  async #commit(group: AppendGroup): Promise<void> {
    if (this.#failure !== undefined) throw this.#refusal(this.#failure);
    const { durability = "each" } = this.#options;
    if (group.bytes > 0) {
      this.#recheck();
      this.#assertUnchanged(group.members);
      if (group.rotateFirst || group.hasBatch) this.#tellSettled(); // more than one sync to wait for
      if (group.rotateFirst) await this.#rotate();
      const writing = this.#file.write(group.members, this.size, group.hasBatch);
      if (writing !== undefined) await writing;
      if (durability !== "none") this.#unsynced = true;
    }
    if (group.mustSync) {
      const syncing = this.#sync();
      syncing?.catch(() => undefined); // it is awaited in a moment
      if (this.#settled.length > 0) await this.#letCallersRun(this.#settled.length);
      if (syncing !== undefined) await syncing;
    }
    if (group.bytes > 0) this.#recheck(group.hasChecks ? group.members : []);
    this.#inFlightBytes = 0;
    for (const waiting of group.members) this.#settle(waiting);
    this.#settled.push(...group.refused);
    if (this.#unsynced) this.#syncLater();
    else this.#summaries.tell(this.#file, this.#index);
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

  /** Whoever finds that another one wrote has mostly lost its right before: then that is what it is told. */
  #assertUnchanged(members: readonly Waiting[]): void {
    try {
      this.#file.assertUnchanged(this.size);
    } catch (error) {
      this.#recheck(members);
      throw error;
    }
  }

  async #rotate(): Promise<void> {
    const { clock, mode = 0o600 } = this.#options;
    const rotated = await this.#file.rotate({ microseconds: clock?.() ?? BigInt(Date.now()) * 1_000n, mode });
    this.#summaries.sawRotation(rotated, this.#index.lines);
    this.#index.rotate();
  }

  /** Syncs what was written; `undefined` when that is done. */
  #sync(): Promise<void> | undefined {
    if (!this.#unsynced) return undefined;
    const start = performance.now();
    if (this.#settled.length > 0 || !this.#pace.isShort())
      return this.#file.sync("data").then(() => this.#sawSync(start));
    this.#owesTurn = true;
    this.#file.syncSync("data");
    this.#sawSync(start);
    return undefined;
  }

  #sawSync(start: number): void {
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
  #fail(cause: unknown, group: AppendGroup): void {
    this.#tellSettled(); // what was synced before stays acknowledged
    const lost = cause instanceof LostRight;
    const error = lost ? cause.reason : asLogError("append to", this.path, cause);
    if (this.#failure === undefined) {
      this.#failure = asLogError("append to", this.path, error);
      if (!lost) this.#file.cutTo(this.size);
    }
    for (const waiting of group.members) waiting.reject(error);
    for (const refused of group.refused) tell(refused);
    for (let waiting = this.#queue.take(); waiting !== undefined; waiting = this.#queue.take()) {
      waiting.reject(this.#refusal(this.#failure));
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
          this.#summaries.tell(this.#file, this.#index);
          this.#file.clearIntent();
        } catch (error) {
          this.#failure = asLogError("close", this.path, error);
          throw this.#failure;
        }
      } else if (this.#untold) {
        throw this.#refusal(this.#failure);
      }
    } finally {
      this.#closeFile();
    }
  }

  #closeFile(): void {
    try {
      this.#file.close();
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
