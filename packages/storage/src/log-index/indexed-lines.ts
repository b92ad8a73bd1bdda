import { randomUUID } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import { CountCache } from "./count-cache.ts";
import { Dictionary } from "./dictionary.ts";
import { type IndexDatabase, type KeptIndex, StaleIndexError } from "./index-database.ts";
import type { IndexHome } from "./index-home.ts";
import { KnownFiles } from "./known-files.ts";
import type { LogIndexOptions } from "./log-index-options.ts";
import { piecesOf, type SegmentPieces } from "./pieces.ts";
import { SealedSegment } from "./sealed-segment.ts";
import type { Segment } from "./segment.ts";
import { TailSegment } from "./tail-segment.ts";

/** Segments that are written together. */
const SAVED_TOGETHER = 4;

/** What is indexed of a log: whole segments in a database, those on their way there, the last lines, and the files all of them are in. */
export class IndexedLines {
  readonly files: KnownFiles;
  types = new Dictionary();
  agents = new Dictionary();
  counts = new CountCache();
  /** Whether everything that the files held was looked at. */
  isComplete = false;
  readonly #options: LogIndexOptions;
  readonly #home: IndexHome;
  #database: IndexDatabase | undefined;
  #owner = randomUUID();
  /** How many texts of the dictionaries are in the database. */
  #keptTypes = 0;
  #keptAgents = 0;
  #sealed: Segment[] = [];
  /** Whole segments that are not in the database yet, as they are kept there: a third of the memory that they grew in. */
  #pending: SegmentPieces[] = [];
  #tail: TailSegment;

  constructor(options: LogIndexOptions, home: IndexHome) {
    this.#options = options;
    this.#home = home;
    this.files = new KnownFiles(options.path, options.fileSystem);
    this.#tail = this.#tailAt(1);
  }

  /** Position of the last line. */
  get head(): number {
    return this.#tail.first + this.#tail.length - 1;
  }

  /** All segments in their order; the last one grows. */
  get segments(): readonly Segment[] {
    return [...this.#sealed, this.#tail];
  }

  /** Whether something has to be saved before segments can be searched. */
  get hasPending(): boolean {
    return this.#pending.length > 0;
  }

  /** Whether so much waits that it should be saved. */
  get isFull(): boolean {
    return this.#pending.length >= SAVED_TOGETHER;
  }

  /** How many lines and torn ends are damaged. */
  get damaged(): number {
    return this.segments.reduce((sum, { header }) => sum + header.lines - header.records, this.files.torn);
  }

  /** Opens the database that is there, and loads it where somebody else wrote it. A log that is short has none. */
  open(): void {
    if (this.#database?.isReplaced() === true || this.#database?.isChanged() === true) this.forget();
    if (this.#database !== undefined || !this.#home.isMade()) return;
    this.forget();
    this.#load(this.#home.open());
  }

  /** Where the next line is added, which starts at a place in a file. */
  tailFor(file: number, offset: number): TailSegment {
    if (!this.#tail.hasRoom(file, offset)) {
      this.#pending.push(piecesOf(this.#tail));
      this.#tail.restart(this.head + 1);
    }
    return this.#tail;
  }

  /** Moves whole segments from memory into the database. */
  async save(): Promise<void> {
    const made = this.#pending;
    const database = (this.#database ??= this.#makeDatabase());
    const first = this.#sealed.length;
    database.add({
      segment: first,
      segments: made,
      files: this.files.of([...this.#sealed, ...made]),
      types: { first: this.#keptTypes + 1, texts: this.types.from(this.#keptTypes + 1) },
      agents: { first: this.#keptAgents + 1, texts: this.agents.from(this.#keptAgents + 1) },
    });
    this.#keptTypes = this.types.size;
    this.#keptAgents = this.agents.size;
    for (const [index, { pieces }] of made.entries()) {
      const header = pieces[0]?.data ?? new Uint8Array();
      this.#sealed.push(this.#sealedSegment(database, first + index, header));
    }
    this.#pending = [];
    await setImmediate();
  }

  /** Forgets every line from a file on. */
  cut(file: number): void {
    const kept = this.#sealed.findIndex(({ header }) => header.spans.some((span) => span.file >= file));
    if (kept === -1) {
      this.#pending = [];
      this.isComplete = false;
      this.files.restore(this.files.of(this.#sealed));
      this.#tail = this.#tailAt(this.#keptLines() + 1);
      return;
    }
    this.#database?.cut(kept, this.files.of(this.#sealed.slice(0, kept)));
    this.forget();
    this.open();
  }

  /** Closes the database, and forgets what is in memory: all of it can be made again. */
  forget(): void {
    this.#database?.close();
    this.#database = undefined;
    this.#owner = randomUUID();
    this.types = new Dictionary();
    this.agents = new Dictionary();
    this.counts = new CountCache();
    this.isComplete = false;
    this.files.restore([]);
    this.#keptTypes = 0;
    this.#keptAgents = 0;
    this.#sealed = [];
    this.#pending = [];
    this.#tail = this.#tailAt(1);
  }

  #load(database: IndexDatabase): void {
    this.#database = database;
    const { files, types, agents, headers } = database.load();
    for (const text of types) this.types.codeOf(text);
    for (const text of agents) this.agents.codeOf(text);
    this.#keptTypes = types.length;
    this.#keptAgents = agents.length;
    const sealed = headers.map((header, no) => this.#sealedSegment(database, no, header));
    assertTogether(sealed, { files, types, agents });
    this.#sealed = sealed;
    this.files.restore(files);
    this.#tail = this.#tailAt(this.#keptLines() + 1);
  }

  /** Makes the database, once there is something to keep. */
  #makeDatabase(): IndexDatabase {
    const database = this.#home.open();
    try {
      if (database.load().headers.length === 0) return database;
      // What it kept is as good.
      throw new StaleIndexError("another process was faster to make the index", { isDamaged: false });
    } catch (error) {
      database.close();
      throw error;
    }
  }

  #sealedSegment(database: IndexDatabase, no: number, header: Uint8Array): SealedSegment {
    return new SealedSegment(no, header, database, this.#options.cache, this.#owner);
  }

  #tailAt(first: number): TailSegment {
    return new TailSegment(first, this.types, this.agents, this.#options.segmentLines);
  }

  #keptLines(): number {
    return this.#sealed.reduce((sum, { header }) => sum + header.lines, 0);
  }
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
