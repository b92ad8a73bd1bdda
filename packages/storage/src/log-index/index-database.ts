import { endianness } from "node:os";
import { dirname } from "node:path";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { crc32 } from "node:zlib";
import { ensureDirectorySync, type FileSystem } from "@holdfast/fsutil";
import { sqlite } from "../sqlite.ts";
import type { SegmentPieces } from "./pieces.ts";
import type { SeenFile } from "./seen-files.ts";

/** Changes when what is kept changes; an index of another format is made anew. */
const FORMAT = `holdfast-log-index 4 ${endianness()}`;
const WAIT_MS = 250;
// SQLITE_BUSY, SQLITE_LOCKED.
const BUSY = new Set([5, 6]);
// SQLITE_ERROR (a table is missing), SQLITE_CORRUPT, SQLITE_FORMAT, SQLITE_NOTADB.
const DAMAGED = new Set([1, 11, 24, 26]);

/** What is kept is not what it was a moment ago, or is damaged: look again, or make it anew. */
export class StaleIndexError extends Error {
  override readonly name: string = "StaleIndexError";
  /** Whether the file itself is of no use any more. */
  readonly isDamaged: boolean;
  constructor(message: string, options: { readonly isDamaged: boolean; readonly cause?: unknown }) {
    super(message, options);
    this.isDamaged = options.isDamaged;
  }
}

/** What to do about an error: wait, make the index anew, do without its file; `undefined` when it does not come from SQLite. */
export function remedyFor(error: unknown): "wait" | "anew" | "elsewhere" | undefined {
  if (!(error instanceof Error && "errcode" in error && typeof error.errcode === "number")) return undefined;
  const code = error.errcode & 0xff;
  if (BUSY.has(code)) return "wait";
  return DAMAGED.has(code) ? "anew" : "elsewhere";
}

/** What an index holds beside its segments. */
export interface KeptIndex {
  readonly version: number;
  readonly files: readonly SeenFile[];
  readonly types: readonly string[];
  readonly agents: readonly string[];
  readonly headers: readonly Uint8Array[];
}

/** What is added to an index in one piece. */
export interface IndexAddition {
  /** Number of the first segment, from 0: that of segments there are. */
  readonly segment: number;
  readonly segments: readonly SegmentPieces[];
  readonly files: readonly SeenFile[];
  /** Texts that are new, and the code of the first. */
  readonly types: { readonly first: number; readonly texts: readonly string[] };
  readonly agents: { readonly first: number; readonly texts: readonly string[] };
}

interface FileIdentity {
  readonly inode: bigint | undefined;
  readonly size: number;
  readonly mtimeNs: bigint;
}

/** The database that keeps an index: a file, or a private temporary one. */
export class IndexDatabase {
  readonly path: string | undefined;
  readonly #fileSystem: FileSystem;
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  #identity: FileIdentity | undefined;
  #version = 0;

  /** `path`: `undefined` for a private temporary database. @throws Errors of SQLite and of the file system. */
  constructor(path: string | undefined, fileSystem: FileSystem) {
    this.path = path;
    this.#fileSystem = fileSystem;
    if (path !== undefined) makeFile(path, fileSystem);
    this.#identity = this.#look();
    this.#database = new (sqlite().DatabaseSync)(path ?? "", { timeout: WAIT_MS });
    try {
      this.#database.exec("PRAGMA page_size = 16384; PRAGMA cache_size = -4096; PRAGMA temp_store = FILE");
      this.#database.exec(`PRAGMA synchronous = ${path === undefined ? "OFF" : "NORMAL"}`);
      this.#prepareTables();
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  close(): void {
    this.#statements.clear();
    this.#database.close();
  }

  /** Whether the file is no longer the one that was opened. */
  isReplaced(): boolean {
    return this.path !== undefined && this.#look()?.inode !== this.#identity?.inode;
  }

  /**
   * Whether somebody else wrote to it since it was loaded.
   *
   * @throws {StaleIndexError} When the file changed, and what it says of itself did not: it was damaged.
   */
  isChanged(): boolean {
    const now = this.#look();
    const known = this.#identity;
    if (now === undefined || known === undefined) return false;
    if (now.size === known.size && now.mtimeNs === known.mtimeNs) return false;
    if (this.#readVersion() !== this.#version) return true;
    throw new StaleIndexError("the index was changed by another program", { isDamaged: true });
  }

  /** Reads everything but the segments themselves. */
  load(): KeptIndex {
    this.#identity = this.#look(); // before: what comes after is noticed
    this.#database.exec("BEGIN");
    try {
      const version = this.#readVersion();
      const texts = (kind: number): string[] =>
        this.#statement("SELECT crc, data FROM word WHERE kind = ? ORDER BY code")
          .all(kind)
          .map((row, index) => String(JSON.parse(checkedText(row, `word ${kind} ${index + 1}`))));
      const kept = {
        version,
        files: this.#statement("SELECT crc, data FROM file ORDER BY no")
          .all()
          .map((row, index) => parseFile(checkedText(row, `file ${index}`))),
        types: texts(0),
        agents: texts(1),
        headers: this.#statement("SELECT crc, data FROM piece WHERE no % 8 = 0 ORDER BY no")
          .all()
          .map((row, index) => checked(row, `piece ${index * 8}`)),
      };
      this.#version = version;
      return kept;
    } finally {
      this.#database.exec("ROLLBACK");
    }
  }

  /** Adds segments. @throws {StaleIndexError} When somebody else wrote in between. */
  add(addition: IndexAddition): void {
    this.#write(() => {
      const piece = this.#statement("INSERT INTO piece VALUES (?, ?, ?)");
      const posting = this.#statement("INSERT INTO posting VALUES (?, ?, ?, ?, ?, ?)");
      const chunk = this.#statement("INSERT INTO chunk VALUES (?, ?, ?)");
      for (const [index, segment] of addition.segments.entries()) {
        const no = addition.segment + index;
        for (const { kind, data } of segment.pieces) {
          const key = no * 8 + kind;
          piece.run(key, crcOf(`piece ${key}`, data), data);
        }
        for (const { agent, count, data } of segment.postings) {
          const name = postingName(no, agent, count);
          posting.run(no, agent, count, crc32(name), crcOf(name, data), data);
        }
        for (const { kind, data } of segment.chunks) {
          const key = no * 128 + kind;
          chunk.run(key, crcOf(`chunk ${key}`, data), data);
        }
      }
      const word = this.#statement("INSERT INTO word VALUES (?, ?, ?, ?)");
      for (const [kind, { first, texts }] of [addition.types, addition.agents].entries()) {
        for (const [index, text] of texts.entries()) {
          const data = JSON.stringify(text); // keeps half surrogate pairs
          const code = first + index;
          word.run(kind, code, crcOf(`word ${kind} ${code}`, data), data);
        }
      }
      this.#replaceFiles(addition.files);
    });
  }

  /** Removes segments from a number on. @throws {StaleIndexError} As `add()`. */
  cut(segment: number, files: readonly SeenFile[]): void {
    this.#write(() => {
      this.#statement("DELETE FROM piece WHERE no >= ?").run(segment * 8);
      this.#statement("DELETE FROM posting WHERE segment >= ?").run(segment);
      this.#statement("DELETE FROM chunk WHERE no >= ?").run(segment * 128);
      this.#replaceFiles(files);
    });
  }

  /** A part of a segment. @throws {StaleIndexError} When it is not there, or damaged. */
  piece(segment: number, kind: number): Uint8Array {
    const no = segment * 8 + kind;
    const row = this.#statement("SELECT crc, data FROM piece WHERE no = ?").get(no);
    if (row === undefined) throw new StaleIndexError("a part is missing", { isDamaged: true });
    return checked(row, `piece ${no}`);
  }

  chunk(segment: number, kind: number): Uint8Array | undefined {
    const no = segment * 128 + kind;
    const row = this.#statement("SELECT crc, data FROM chunk WHERE no = ?").get(no);
    return row === undefined ? undefined : checked(row, `chunk ${no}`);
  }

  postingCount(segment: number, agent: number): number | undefined {
    const row = this.#statement("SELECT count, named FROM posting WHERE segment = ? AND agent = ?").get(
      segment,
      agent,
    );
    if (row === undefined) return undefined;
    const { count, named } = row;
    if (crc32(postingName(segment, agent, count)) !== named)
      throw new StaleIndexError("a count does not have its checksum", { isDamaged: true });
    return Number(count);
  }

  posting(segment: number, agent: number): Uint8Array | undefined {
    const row = this.#statement("SELECT count, crc, data FROM posting WHERE segment = ? AND agent = ?").get(
      segment,
      agent,
    );
    if (row === undefined) return undefined;
    return checked(row, postingName(segment, agent, row["count"]));
  }

  #replaceFiles(files: readonly SeenFile[]): void {
    this.#database.exec("DELETE FROM file");
    const insert = this.#statement("INSERT INTO file VALUES (?, ?, ?)");
    for (const [no, file] of files.entries()) {
      const data = formatFile(file);
      insert.run(no, crcOf(`file ${no}`, data), data);
    }
  }

  #write(work: () => void): void {
    this.#database.exec("BEGIN IMMEDIATE");
    try {
      if (this.#readVersion() !== this.#version) {
        throw new StaleIndexError("another process wrote the index", { isDamaged: false });
      }
      work();
      this.#statement("UPDATE meta SET value = value + 1 WHERE name = 'version'").run();
      this.#database.exec("COMMIT");
      this.#version += 1;
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
      throw error;
    }
    this.#identity = this.#look();
  }

  #prepareTables(): void {
    const known = this.#database.prepare("SELECT name FROM sqlite_schema WHERE name = 'meta'").get();
    if (known === undefined) {
      this.#database.exec(`
        BEGIN IMMEDIATE;
        CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value);
        CREATE TABLE IF NOT EXISTS file (no INTEGER PRIMARY KEY, crc INTEGER, data TEXT);
        CREATE TABLE IF NOT EXISTS word (kind INTEGER, code INTEGER, crc INTEGER, data TEXT, PRIMARY KEY (kind, code)) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS piece (no INTEGER PRIMARY KEY, crc INTEGER, data BLOB);
        CREATE TABLE IF NOT EXISTS chunk (no INTEGER PRIMARY KEY, crc INTEGER, data BLOB);
        CREATE TABLE IF NOT EXISTS posting (segment INTEGER, agent INTEGER, count INTEGER, named INTEGER, crc INTEGER, data BLOB,
          PRIMARY KEY (segment, agent)) WITHOUT ROWID;
        INSERT OR IGNORE INTO meta VALUES ('format', '${FORMAT}'), ('version', 1);
        COMMIT`);
    }
    const format = this.#database.prepare("SELECT value FROM meta WHERE name = 'format'").get();
    if (format?.["value"] !== FORMAT) {
      throw new StaleIndexError("the index has another format", { isDamaged: true });
    }
  }

  #readVersion(): number {
    return Number(this.#statement("SELECT value FROM meta WHERE name = 'version'").get()?.["value"]);
  }

  #statement(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }

  #look(): FileIdentity | undefined {
    if (this.path === undefined) return undefined;
    const found = this.#fileSystem.lstatSync(this.path);
    return { inode: found?.ino, size: found?.size ?? 0, mtimeNs: found?.mtimeNs ?? 0n };
  }
}

/** What is wrong with a database, looking at all of it and changing nothing; `undefined` when nothing is, or when that cannot be told. */
export function faultOf(path: string): string | undefined {
  let database: DatabaseSync | undefined;
  try {
    database = new (sqlite().DatabaseSync)(path, { readOnly: true, timeout: WAIT_MS });
    const [first] = database.prepare("PRAGMA integrity_check(1)").all();
    if (first?.["integrity_check"] !== "ok") return String(first?.["integrity_check"]);
    if (database.prepare("SELECT name FROM sqlite_schema").all().length === 0) return undefined; // not filled yet
    for (const [table, nameOf] of Object.entries(TABLES)) {
      for (const row of database.prepare(`SELECT * FROM ${table}`).iterate()) {
        if (!isWhole(row, nameOf(row))) return `a row of ${table} does not have its checksum`;
      }
    }
    return undefined;
  } catch (error) {
    if (remedyFor(error) === "anew" && error instanceof Error) return error.message;
    return undefined;
  } finally {
    database?.close();
  }
}

/** Removes a database, so that it is made anew. Others that have it open notice that it was replaced. */
export function removeDatabase(path: string, fileSystem: FileSystem): void {
  for (const name of [path, `${path}-journal`]) {
    if (fileSystem.lstatSync(name) !== undefined) fileSystem.unlinkSync(name);
  }
}

function makeFile(path: string, fileSystem: FileSystem): void {
  if (fileSystem.lstatSync(path) !== undefined) return;
  ensureDirectorySync(dirname(path), { fileSystem });
  try {
    fileSystem.openSync(path, "create", 0o600).closeSync();
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
}

/** What the checksum of a row says it is, beside its data: a row that is found in another's place is not whole. */
const TABLES: Readonly<Record<string, (row: Record<string, unknown>) => string>> = {
  piece: ({ no }) => `piece ${String(no)}`,
  chunk: ({ no }) => `chunk ${String(no)}`,
  file: ({ no }) => `file ${String(no)}`,
  word: ({ kind, code }) => `word ${String(kind)} ${String(code)}`,
  posting: ({ segment, agent, count }) => postingName(Number(segment), Number(agent), count),
};

function postingName(segment: number, agent: number, count: unknown): string {
  return `posting ${segment} ${agent} ${String(count)}`;
}

function crcOf(name: string, data: Uint8Array | string): number {
  return crc32(data, crc32(name));
}

function isWhole({ crc, data }: Record<string, unknown>, name: string): boolean {
  if (data === null) return crc === crcOf(name, ""); // how SQLite keeps no bytes
  return (data instanceof Uint8Array || typeof data === "string") && crcOf(name, data) === crc;
}

function checked(row: Record<string, unknown>, name: string): Uint8Array {
  const { data } = row;
  if (isWhole(row, name)) return data instanceof Uint8Array ? data : new Uint8Array(0);
  throw new StaleIndexError("a part does not have its checksum", { isDamaged: true });
}

function checkedText(row: Record<string, unknown>, name: string): string {
  const { data } = row;
  if (typeof data === "string" && isWhole(row, name)) return data;
  throw new StaleIndexError("a text does not have its checksum", { isDamaged: true });
}

function formatFile(file: SeenFile): string {
  return JSON.stringify(file, (_name, value: unknown) => (typeof value === "bigint" ? String(value) : value));
}

function parseFile(text: string): SeenFile {
  const { inode, mtimeNs, ...rest } = JSON.parse(text) as Record<string, unknown>;
  return { ...rest, inode: BigInt(String(inode)), mtimeNs: BigInt(String(mtimeNs)) } as SeenFile;
}
