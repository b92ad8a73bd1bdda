import { hash } from "node:crypto";
import { dirname } from "node:path";
import type { FileSystem, OpenFile } from "@holdfast/fsutil";
import { isNotText, readAtSync } from "./inspect-tail.ts";
import { writeAllSync } from "./write-all.ts";

const RECORD_BYTES = 256;

/** A write that must be found whole or not at all: where it goes, and the checksum of its bytes. */
export interface BatchRange {
  readonly start: number;
  readonly end: number;
  readonly sha256: string;
}

/** The note beside a log that says where a batch is being written: `<log>.batch`. */
export function batchIntentPath(path: string): string {
  return `${path}.batch`;
}

function checkOf({ start, end, sha256 }: BatchRange): string {
  return hash("sha256", `${start}:${end}:${sha256}`, "hex").slice(0, 16);
}

/**
 * Reads the note. `undefined` when there is none, or when it is not whole: then its writer died before the batch began,
 * and the batch it replaced was complete.
 */
export function readBatchIntent(path: string, fileSystem: FileSystem): BatchRange | undefined {
  const intentPath = batchIntentPath(path);
  if (fileSystem.lstatSync(intentPath)?.kind !== "file") return undefined;
  let file: OpenFile;
  try {
    file = fileSystem.openSync(intentPath, "read", undefined, { noFollow: true });
  } catch (error) {
    // Its writer closed the log a moment ago.
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
  try {
    const value: unknown = JSON.parse(readAtSync(file, 0, RECORD_BYTES).toString("utf8"));
    if (typeof value !== "object" || value === null) return undefined;
    const { start, end, sha256, check } = value as Partial<BatchRange> & { readonly check?: string };
    if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end) || typeof sha256 !== "string")
      return undefined;
    const range: BatchRange = { start: Number(start), end: Number(end), sha256 };
    return check === checkOf(range) ? range : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  } finally {
    file.closeSync();
  }
}

/**
 * Where a log of `size` bytes has to be cut so that an interrupted batch is absent; `undefined` when no batch is interrupted.
 * With `verify`, a batch of full length is compared with its checksum: after a loss of power, pages of it can be missing (zeros, or what was on the disk before).
 */
export function interruptedBatch(
  file: OpenFile,
  size: number,
  range: BatchRange | undefined,
  options: { readonly verify: boolean },
): number | undefined {
  if (range === undefined || size <= range.start || size > range.end) return undefined;
  if (range.start > 0 && readAtSync(file, range.start - 1, 1)[0] !== 0x0a) return undefined; // not about these bytes
  if (size < range.end) return range.start;
  if (!options.verify) return undefined;
  const bytes = readAtSync(file, range.start, range.end - range.start);
  // A note outlives its writer, so the batch may have been acknowledged: a byte that was changed later is damage, and told as such.
  return hash("sha256", bytes, "hex") !== range.sha256 && isNotText(bytes) ? range.start : undefined;
}

/** Writes the note before each batch, always in the same block of the same small file. */
export class BatchIntent {
  readonly #path: string;
  readonly #fileSystem: FileSystem;
  #file: OpenFile | undefined;

  constructor(path: string, fileSystem: FileSystem) {
    this.#path = batchIntentPath(path);
    this.#fileSystem = fileSystem;
  }

  /** When it resolves, and `durable` is true, the note is on stable storage; only then may the batch be written. */
  async announce(range: BatchRange, durable: boolean): Promise<void> {
    const text = JSON.stringify({ ...range, check: checkOf(range) });
    const bytes = Buffer.from(`${text.padEnd(RECORD_BYTES - 1)}\n`);
    const isNew = this.#file === undefined;
    this.#file ??= this.#fileSystem.openSync(this.#path, "create", 0o600);
    writeAllSync(this.#file, bytes, 0);
    if (!durable) return;
    await this.#file.sync(isNew ? "full" : "data");
    if (isNew) await this.#fileSystem.syncDirectory(dirname(this.#path));
  }

  /** Takes the note away. The caller makes that durable before the log's bytes can stand for something else. */
  clear(): void {
    if (this.#file === undefined) return;
    this.close();
    this.#fileSystem.unlinkSync(this.#path);
  }

  /** Leaves the note where it is: the next one to open the log reads it. */
  close(): void {
    const file = this.#file;
    this.#file = undefined;
    file?.closeSync();
  }
}
