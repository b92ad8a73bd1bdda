import { isAscii, isUtf8 } from "node:buffer";
import { randomUUID } from "node:crypto";
import { setTimeout as delay, setImmediate } from "node:timers/promises";
import type { FileSystem, OpenFile } from "@holdfast/fsutil";
import { type LogStart, readLogBlocks } from "@holdfast/ndjson";
import type { Filter, FindOptions, LogLine, Page, SearchedLog } from "../store.ts";
import { CountCache } from "./count-cache.ts";
import { Dictionary } from "./dictionary.ts";
import { countMatches, findPage, type IndexView, type SegmentLine } from "./find-page.ts";
import {
  IndexDatabase,
  type KeptIndex,
  remedyFor,
  removeDatabase,
  StaleIndexError,
} from "./index-database.ts";
import type { PieceCache } from "./piece-cache.ts";
import { piecesOf, type SegmentPieces } from "./pieces.ts";
import { QuestionQueue, type SearchLimits } from "./question-queue.ts";
import { SealedSegment } from "./sealed-segment.ts";
import {
  compareFile,
  type ListedFile,
  listedFiles,
  openSeen,
  readAt,
  type SeenFile,
  sampleOf,
  unseen,
} from "./seen-files.ts";
import { placeOf, type Segment } from "./segment.ts";
import { TailSegment } from "./tail-segment.ts";

const NEWLINE = 0x0a;
const MAX_LINE_BYTES = 64 * 1024 * 1024;
/** Segments that are written together. */
const SAVED_TOGETHER = 4;
const MAX_TRIES = 12;
const BUSY_DELAY_MS = 20;
/** Reads of up to so many bytes use one buffer, again and again. */
const KEPT_BYTES = 64 * 1024;
/** Lines of a page that are next to each other, or nearly, are read together. */
const GAP_BYTES = 4_096;
const READ_BYTES = 1024 * 1024;

/** Options of {@link LogIndex}. */
export interface LogIndexOptions {
  /** The current file of the log. */
  readonly path: string;
  /** Where the index is kept, once the log is long enough for one; `undefined`: in a private temporary database. */
  readonly databasePath: string | undefined;
  readonly fileSystem: FileSystem;
  readonly cache: PieceCache;
  /** Lines a segment, up to 65,536; default {@link SEGMENT_LINES}. */
  readonly segmentLines?: number;
}

/**
 * The index of one log: whole segments in a database, which other processes use as well, and the last lines in memory. Before each
 * answer it is brought up to the ends of the files; where they are no longer what was indexed, it is made anew from there.
 */
export class LogIndex {
  readonly #options: LogIndexOptions;
  #kept: Buffer | undefined;
  #database: IndexDatabase | undefined;
  /** Whether the index is in a private database, because it cannot be written where it belongs. */
  #isPrivate = false;
  #owner = randomUUID();
  #types = new Dictionary();
  #agents = new Dictionary();
  /** How many texts of the dictionaries are in the database. */
  #keptTypes = 0;
  #keptAgents = 0;
  #sealed: Segment[] = [];
  /** Whole segments that are not in the database yet, as they are kept there: a third of the memory that they grew in. */
  #pending: SegmentPieces[] = [];
  #tail: TailSegment;
  #seen: SeenFile[] = [];
  /** Whether everything that the files held was looked at. */
  #isComplete = false;
  #counts = new CountCache();
  readonly #questions = new QuestionQueue((limits, work) => this.#tryAnswer(limits, work));

  constructor(options: LogIndexOptions) {
    this.#options = options;
    this.#tail = this.#tailAt(1);
  }

  /** Position of the last line. */
  head(limits: SearchLimits): Promise<number> {
    return this.#questions.ask(limits, () => this.#asOf());
  }

  find(filter: Filter, options: FindOptions, limits: SearchLimits): Promise<Page<LogLine> & SearchedLog> {
    return this.#questions.ask(limits, () => ({
      ...findPage(this.#view(), filter, options),
      asOf: this.#asOf(),
      damaged: this.#damaged(),
    }));
  }

  count(filter: Filter, limits: SearchLimits): Promise<{ readonly count: number } & SearchedLog> {
    return this.#questions.ask(limits, () => ({
      count: countMatches(this.#view(), filter),
      asOf: this.#asOf(),
      damaged: this.#damaged(),
    }));
  }

  /** Waits for the answers that are being made, and closes the database. */
  async close(): Promise<void> {
    await this.#questions.rest();
    this.#forget();
  }

  async #tryAnswer<T>(limits: SearchLimits, work: () => T): Promise<T> {
    for (let tries = 0; ; tries += 1) {
      limits.signal?.throwIfAborted();
      try {
        this.#open();
        await this.#refresh(limits);
        return work();
      } catch (error) {
        if (limits.signal?.aborted === true || tries >= MAX_TRIES) throw error;
        await this.#recover(error, tries);
      }
    }
  }

  /** Prepares for another try; throws what no other try can help. */
  async #recover(error: unknown, tries: number): Promise<void> {
    if (error instanceof StaleIndexError) {
      this.#forget();
      if (error.isDamaged) this.#remove();
      if (tries >= MAX_TRIES / 2) this.#isPrivate = true;
      return;
    }
    switch (remedyFor(error)) {
      case "wait":
        this.#forget();
        if (tries >= MAX_TRIES / 2) this.#isPrivate = true;
        else await delay(BUSY_DELAY_MS * (tries + 1));
        return;
      case "anew":
        this.#forget();
        this.#remove();
        if (tries >= MAX_TRIES / 2) this.#isPrivate = true;
        return;
      case "elsewhere":
        if (this.#isPrivate) throw error;
        this.#forget();
        this.#isPrivate = true;
        return;
      case undefined:
        if (!isGone(error)) throw error;
    }
  }

  #remove(): void {
    const { databasePath, fileSystem } = this.#options;
    if (this.#isPrivate || databasePath === undefined) return;
    try {
      removeDatabase(databasePath, fileSystem);
    } catch {
      this.#isPrivate = true;
    }
  }

  /** Opens the database that is there, and loads it where somebody else wrote it. A log that is short has none. */
  #open(): void {
    if (this.#database?.isReplaced() === true || this.#database?.isChanged() === true) this.#forget();
    if (this.#database !== undefined || this.#isPrivate) return;
    const { databasePath, fileSystem } = this.#options;
    if (databasePath === undefined || fileSystem.lstatSync(databasePath) === undefined) return;
    this.#forget();
    this.#load(this.#openDatabase());
  }

  #openDatabase(): IndexDatabase {
    const { databasePath, fileSystem } = this.#options;
    if (!this.#isPrivate && databasePath !== undefined) {
      try {
        return new IndexDatabase(databasePath, fileSystem);
      } catch (error) {
        const remedy = remedyFor(error);
        if (error instanceof StaleIndexError || remedy === "wait" || remedy === "anew") throw error;
        this.#isPrivate = true; // not ours to write, or no room
      }
    }
    return new IndexDatabase(undefined, fileSystem);
  }

  #load(database: IndexDatabase): void {
    this.#database = database;
    const { files, types, agents, headers } = database.load();
    for (const text of types) this.#types.codeOf(text);
    for (const text of agents) this.#agents.codeOf(text);
    this.#keptTypes = types.length;
    this.#keptAgents = agents.length;
    const sealed = headers.map((header, no) => this.#sealedSegment(no, header));
    assertTogether(sealed, { files, types, agents });
    this.#sealed = sealed;
    this.#seen = [...files];
    this.#tail = this.#tailAt(this.#keptLines() + 1);
  }

  #sealedSegment(no: number, header: Uint8Array): SealedSegment {
    if (this.#database === undefined) throw new StaleIndexError("closed", { isDamaged: false });
    return new SealedSegment(no, header, this.#database, this.#options.cache, this.#owner);
  }

  #forget(): void {
    this.#database?.close();
    this.#database = undefined;
    this.#owner = randomUUID();
    this.#types = new Dictionary();
    this.#agents = new Dictionary();
    this.#counts = new CountCache();
    this.#keptTypes = 0;
    this.#keptAgents = 0;
    this.#sealed = [];
    this.#pending = [];
    this.#seen = [];
    this.#isComplete = false;
    this.#tail = this.#tailAt(1);
  }

  /** Looks at the files, and indexes what is new in them. */
  async #refresh(limits: SearchLimits): Promise<void> {
    const { to = Number.POSITIVE_INFINITY, signal } = limits;
    for (let round = 0; ; round += 1) {
      const files = listedFiles(this.#options.path, this.#options.fileSystem);
      const state = this.#compare(files);
      if (state === "cut") {
        if (round > MAX_TRIES) throw new StaleIndexError("the files do not rest", { isDamaged: true });
        continue; // what is left was read anew, and is compared as well
      }
      if ((state === "same" && this.#isComplete) || this.#asOf() >= to) {
        // A scan that was stopped leaves them.
        if (this.#pending.length > 0) await this.#save();
        return;
      }
      const hasMoved = await this.#scan(files, to, signal);
      if (!hasMoved || round > 2) return;
    }
  }

  /** Compares the files with what they were, and forgets what is not so any more. */
  #compare(files: readonly ListedFile[]): "same" | "more" | "cut" {
    const { fileSystem } = this.#options;
    const lastWithLines = this.#seen.findLastIndex(({ end }) => end > 0);
    let isSame = files.length === this.#seen.length;
    for (const [index, seen] of this.#seen.entries()) {
      const place = { isLast: index >= lastWithLines, isCurrent: index === files.length - 1 };
      const now = compareFile(seen, files[index], place, fileSystem);
      if (now === undefined) {
        this.#cut(index);
        return "cut";
      }
      if (now.size !== seen.size || now.mtimeNs !== seen.mtimeNs) isSame = false;
      this.#seen[index] = now;
    }
    return isSame ? "same" : "more";
  }

  /** Forgets every line from a file on. */
  #cut(file: number): void {
    const kept = this.#sealed.findIndex(({ header }) => header.spans.some((span) => span.file >= file));
    if (kept === -1) {
      this.#pending = [];
      this.#isComplete = false;
      this.#seen = this.#filesOf(this.#sealed);
      this.#tail = this.#tailAt(this.#keptLines() + 1);
      return;
    }
    this.#database?.cut(kept, this.#filesOf(this.#sealed.slice(0, kept)));
    this.#forget();
    this.#open();
  }

  /** The files of segments, as they were when these were made. */
  #filesOf(segments: readonly Pick<Segment, "header">[]): SeenFile[] {
    const last = segments.at(-1)?.header.spans.at(-1);
    if (last === undefined) return [];
    return this.#seen.slice(0, last.file + 1).map((file, index) => {
      if (index < last.file || file.end === last.end) return file;
      return { ...file, size: -1, end: last.end, sample: this.#sample(index, last.end), isSettled: false };
    });
  }

  #sample(file: number, end: number): string {
    const open = this.#openFile(file);
    try {
      const sample = sampleOf(open, end);
      if (sample === undefined) throw changedFile();
      return sample;
    } finally {
      open.closeSync();
    }
  }

  /** Opens a file by its place in the order, whatever its name is by now. */
  #openFile(index: number): OpenFile {
    const { path, fileSystem } = this.#options;
    const seen = this.#seen[index];
    const open = seen === undefined ? undefined : openSeen(seen, fileSystem);
    if (open !== undefined) return open;
    for (const { inode, path: now } of listedFiles(path, fileSystem)) {
      if (seen === undefined || inode !== seen.inode) continue;
      this.#seen[index] = { ...seen, path: now };
      const again = openSeen({ ...seen, path: now }, fileSystem);
      if (again !== undefined) return again;
    }
    throw new StaleIndexError("a file of the log is gone", { isDamaged: false });
  }

  /** Indexes the lines after the last known one. Tells whether files were put aside meanwhile. */
  async #scan(files: readonly ListedFile[], to: number, signal: AbortSignal | undefined): Promise<boolean> {
    const { path, fileSystem } = this.#options;
    const start = this.#asOf() + 1;
    for (const file of files.slice(this.#seen.length)) this.#seen.push(unseen(file));
    const at = this.#lastPlace(start);
    const ends = new Map<number, number>();
    this.#isComplete = false;
    let isLimited = false;
    let hasMoved = false;
    const blocks = readLogBlocks(path, {
      from: start,
      maxLineBytes: MAX_LINE_BYTES,
      fileSystem,
      onTornTail: () => undefined,
      ...(at !== undefined && { at }),
      ...(signal !== undefined && { signal }),
    });
    let file = at === undefined ? 0 : this.#seen.findIndex(({ inode }) => inode === at.inode);
    try {
      for await (const { bytes, place } of blocks) {
        const { inode, offset } = place;
        let found = this.#seen.findIndex((each, index) => index >= file && each.inode === inode);
        if (found === -1) {
          found = this.#seen.length;
          this.#seen.push(unseen({ path: place.path, inode, size: -1, mtimeNs: -1n }));
          hasMoved = true;
        }
        file = found;
        const isPlain = isAscii(bytes);
        for (let from = 0; from < bytes.length; ) {
          if (this.#asOf() >= to) {
            isLimited = true;
            break;
          }
          const end = bytes.indexOf(NEWLINE, from);
          this.#add(textOf(bytes, from, end, isPlain), file, offset + from, offset + end + 1);
          ends.set(file, offset + end + 1);
          from = end + 1;
        }
        if (isLimited) break;
        if (this.#pending.length >= SAVED_TOGETHER) {
          this.#noteEnds(ends);
          await this.#save();
        }
      }
    } finally {
      this.#noteEnds(ends);
    }
    if (this.#pending.length > 0) await this.#save();
    for (const [index, { size, mtimeNs }] of files.entries()) {
      const seen = this.#seen[index];
      if (seen !== undefined)
        this.#seen[index] = { ...seen, size, mtimeNs, isSettled: index < files.length - 1 };
    }
    this.#isComplete = !isLimited;
    return hasMoved;
  }

  #add(text: string | undefined, file: number, offset: number, end: number): void {
    if (!this.#tail.hasRoom(file, offset)) {
      this.#pending.push(piecesOf(this.#tail));
      this.#tail.restart(this.#asOf() + 1);
    }
    this.#tail.add(text, file, offset, end);
  }

  #noteEnds(ends: Map<number, number>): void {
    for (const [index, end] of ends) {
      const seen = this.#seen[index];
      if (seen !== undefined) this.#seen[index] = { ...seen, end, sample: this.#sample(index, end) };
    }
    ends.clear();
  }

  #lastPlace(position: number): LogStart | undefined {
    const index = this.#seen.findLastIndex(({ end }) => end > 0);
    const file = this.#seen[index];
    if (file === undefined) return undefined;
    return { path: file.path, inode: file.inode, position, line: 1, offset: file.end };
  }

  /** Moves whole segments from memory into the database. */
  async #save(): Promise<void> {
    const made = this.#pending;
    if (this.#database === undefined) this.#makeDatabase();
    const database = this.#database;
    if (database === undefined) throw new StaleIndexError("closed", { isDamaged: false });
    const first = this.#sealed.length;
    database.add({
      segment: first,
      segments: made,
      files: this.#filesOf([...this.#sealed, ...made]),
      types: { first: this.#keptTypes + 1, texts: this.#types.from(this.#keptTypes + 1) },
      agents: { first: this.#keptAgents + 1, texts: this.#agents.from(this.#keptAgents + 1) },
    });
    this.#keptTypes = this.#types.size;
    this.#keptAgents = this.#agents.size;
    for (const [index, { pieces }] of made.entries()) {
      const header = pieces[0]?.data ?? new Uint8Array();
      this.#sealed.push(this.#sealedSegment(first + index, header));
    }
    this.#pending = [];
    await setImmediate();
  }

  /** Makes the database, once there is something to keep. */
  #makeDatabase(): void {
    const database = this.#openDatabase();
    const { headers } = database.load();
    this.#database = database;
    // Another process was faster: what it kept is as good.
    if (headers.length > 0) throw new StaleIndexError("another process made the index", { isDamaged: false });
  }

  #tailAt(first: number): TailSegment {
    return new TailSegment(first, this.#types, this.#agents, this.#options.segmentLines);
  }

  #all(): readonly Segment[] {
    return [...this.#sealed, this.#tail];
  }

  #view(): IndexView {
    return {
      segments: this.#all().filter(({ header }) => header.records > 0),
      types: this.#types,
      agents: this.#agents,
      counts: this.#counts,
      texts: (lines) => this.#texts(lines),
    };
  }

  #keptLines(): number {
    return this.#sealed.reduce((sum, { header }) => sum + header.lines, 0);
  }

  #asOf(): number {
    return this.#tail.first + this.#tail.length - 1;
  }

  #damaged(): number {
    const lines = this.#all().reduce((sum, { header }) => sum + header.lines - header.records, 0);
    const torn = this.#seen.filter(({ isSettled, size, end }) => isSettled && size > end).length;
    return lines + torn;
  }

  /** Reads lines from their files; those that are near each other together. */
  #texts(lines: readonly SegmentLine[]): string[] {
    const segments = new Set(lines.map(({ segment }) => segment));
    const offsets = new Map(Array.from(segments, (segment) => [segment, segment.offsets()]));
    const places = lines
      .map(({ segment, line }, index) => {
        const found = offsets.get(segment) ?? segment.offsets();
        return { index, ...placeOf(segment, found, line) };
      })
      .toSorted((a, b) => a.file - b.file || a.offset - b.offset);
    const texts: string[] = [];
    let open: { readonly file: number; readonly handle: OpenFile } | undefined;
    try {
      for (let start = 0; start < places.length; ) {
        const first = places[start];
        if (first === undefined) break;
        let end = first.offset + first.length;
        let next = start + 1;
        for (let place = places[next]; place !== undefined; place = places[next]) {
          const isNear = place.file === first.file && place.offset - end <= GAP_BYTES;
          if (!isNear || place.offset + place.length - first.offset > READ_BYTES) break;
          end = Math.max(end, place.offset + place.length);
          next += 1;
        }
        if (open?.file !== first.file) {
          open?.handle.closeSync();
          open = undefined;
          open = { file: first.file, handle: this.#openFile(first.file) };
        }
        const bytes = this.#bytes(open.handle, first.offset, end + 1 - first.offset);
        for (const { index, offset, length } of places.slice(start, next)) {
          const from = offset - first.offset;
          if (bytes[from + length] !== NEWLINE) throw changedFile();
          texts[index] = textOf(bytes, from, from + length, false) ?? "";
        }
        start = next;
      }
    } finally {
      open?.handle.closeSync();
    }
    return texts;
  }

  /** The bytes at a place in a file; those of small reads stay only until the next one. */
  #bytes(file: OpenFile, offset: number, length: number): Buffer {
    // A buffer a page would be freed so late that a server's memory were mostly these.
    const into =
      length > KEPT_BYTES
        ? undefined
        : (this.#kept ??= Buffer.allocUnsafeSlow(KEPT_BYTES)).subarray(0, length);
    const bytes = readAt(file, offset, length, into);
    if (bytes === undefined) throw changedFile();
    return bytes;
  }
}

function textOf(bytes: Buffer, start: number, end: number, isPlain: boolean): string | undefined {
  if (isPlain) return bytes.toString("latin1", start, end);
  return isUtf8(bytes.subarray(start, end)) ? bytes.toString("utf8", start, end) : undefined;
}

function changedFile(): StaleIndexError {
  return new StaleIndexError("a file is not what was indexed", { isDamaged: true });
}

/** Whether a file vanished while the log was read: it was rotated or removed. */
function isGone(error: unknown): boolean {
  for (let at = error, depth = 0; at instanceof Error && depth < 8; at = at.cause, depth += 1) {
    if ("code" in at && at.code === "ENOENT") return true;
  }
  return false;
}

/** Rows that SQLite does not find any more look like rows that never were: what is kept must fit together. */
function assertTogether(
  sealed: readonly SealedSegment[],
  { files, types, agents }: Pick<KeptIndex, "files" | "types" | "agents">,
): void {
  const last = sealed.at(-1);
  const span = last?.header.spans.at(-1);
  const isTogether =
    last === undefined || span === undefined
      ? files.length === 0
      : files.length === span.file + 1 &&
        files[span.file]?.end === span.end &&
        types.length >= last.codes.types &&
        agents.length >= last.codes.agents;
  if (!isTogether) throw new StaleIndexError("rows of it were lost", { isDamaged: true });
}
