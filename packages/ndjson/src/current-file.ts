import { hash } from "node:crypto";
import type { FileStat, FileSystem, OpenFile, SyncKind } from "@holdfast/fsutil";
import type { Waiting } from "./append-queue.ts";
import { BatchIntent } from "./batch-intent.ts";
import { LineEncoder } from "./encode-lines.ts";
import { LogError } from "./errors.ts";
import type { LinePlaces } from "./line-places.ts";
import { type CountedFile, countedFile } from "./log-summary.ts";
import { rotateLog } from "./rotate-log.ts";
import { writeAll, writeAllSync } from "./write-all.ts";

// A larger write goes to the thread pool; a smaller one costs less than the way there.
const SYNC_WRITE_BYTES = 1024 * 1024;
const LOOK_EVERY_MS = 20;

/** A file that was put aside. */
export interface RotatedFile {
  readonly name: string;
  readonly stat: FileStat;
}

/** The file that a log is appended to: writes groups at its end, and knows whether it is still the file it was. */
export class CurrentFile {
  readonly #path: string;
  readonly #fileSystem: FileSystem;
  readonly #durable: boolean;
  readonly #intent: BatchIntent;
  readonly #encoder = new LineEncoder();
  #file: OpenFile;
  #identity: FileStat;
  /** How far the file was written to, acknowledged or not. */
  #writtenTo = 0;
  #lookAgainAt = 0;

  constructor(
    path: string,
    file: OpenFile,
    options: { readonly fileSystem: FileSystem; readonly durable: boolean },
  ) {
    this.#path = path;
    this.#fileSystem = options.fileSystem;
    this.#durable = options.durable;
    this.#intent = new BatchIntent(path, options.fileSystem);
    this.#file = file;
    this.#identity = file.statSync();
  }

  get inode(): bigint {
    return this.#identity.ino;
  }

  /** Throws when somebody else wrote to the file, replaced it or removed it: positions would be wrong, or the name is not ours. */
  assertUnchanged(size: number): void {
    const changed = this.#changeOf(size) ?? this.#changeOfName();
    if (changed === undefined) return;
    throw new LogError(
      "LOG_IO",
      `Cannot append to "${this.#path}": it is ${changed}; another program changed it while it was open here`,
      { path: this.#path },
    );
  }

  /**
   * Writes lines at the end; those of a batch are found whole or not at all. Sets the lengths of the members.
   *
   * @returns `undefined` when they are written: a short write is done in place, and nobody has to wait a turn for it.
   */
  write(members: readonly Waiting[], start: number, isBatch: boolean): Promise<void> | undefined {
    const bytes = this.#encoder.encode(members);
    this.#writtenTo = start + bytes.length;
    if (isBatch || bytes.length > SYNC_WRITE_BYTES) return this.#writeSlowly(bytes, start, isBatch);
    writeAllSync(this.#file, bytes, start);
    return undefined;
  }

  async #writeSlowly(bytes: Buffer, start: number, isBatch: boolean): Promise<void> {
    if (isBatch) {
      const range = { start, end: start + bytes.length, sha256: hash("sha256", bytes, "hex") };
      await this.#intent.announce(range, this.#durable);
    }
    if (bytes.length <= SYNC_WRITE_BYTES) writeAllSync(this.#file, bytes, start);
    else await writeAll(this.#file, bytes, start);
  }

  syncSync(kind: SyncKind): void {
    this.#file.syncSync(kind);
  }

  async sync(kind: SyncKind): Promise<void> {
    await this.#file.sync(kind);
  }

  /** Puts the file aside, and gives its new name; an empty one takes its place. */
  async rotate(options: { readonly microseconds: bigint; readonly mode: number }): Promise<RotatedFile> {
    this.#intent.clear();
    const { next, name, stat } = await rotateLog(this.#path, this.#file, {
      ...options,
      fileSystem: this.#fileSystem,
      durable: this.#durable,
    });
    this.#file = next;
    this.#identity = next.statSync();
    return { name, stat };
  }

  /** What is to be said of the file, which has so many lines, all of them on stable storage. */
  counted(lines: number, places: LinePlaces): CountedFile {
    return countedFile(this.#file, lines, places);
  }

  /** After a failed write or sync the pages in memory are not to be trusted; whole records are left, and nothing else. */
  cutTo(size: number): void {
    try {
      const found = this.#file.statSync().size;
      // More than we wrote: it is not only ours any more.
      if (found > size && found <= this.#writtenTo) this.#file.truncateSync(size);
    } catch {
      // The next one to open the log repairs it.
    }
  }

  /** Takes away the note of the last batch, which is whole and synced. */
  clearIntent(): void {
    this.#intent.clear();
  }

  close(): void {
    try {
      this.#intent.close();
    } finally {
      this.#file.closeSync();
    }
  }

  #changeOf(expected: number): string | undefined {
    const { size } = this.#file.statSync();
    return size === expected ? undefined : `${size} bytes long instead of ${expected}`;
  }

  /** Looking up a name takes longer than all the rest of a small append: now and then is enough. */
  #changeOfName(): string | undefined {
    const now = performance.now();
    if (now < this.#lookAgainAt) return undefined;
    this.#lookAgainAt = now + LOOK_EVERY_MS;
    const found = this.#fileSystem.statSync(this.#path);
    if (found === undefined) return "gone";
    return found.ino === this.#identity.ino && found.dev === this.#identity.dev ? undefined : "another file";
  }
}
