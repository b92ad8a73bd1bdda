import { closeSync, openSync, readSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { readLog } from "@holdfast/ndjson";
import { parseTimestamp } from "@holdfast/storage";
import { type Event, filesOf } from "./events.ts";
import { type Answer, PAGE, type Question } from "./questions.ts";
import { timed } from "./timed.ts";

/** The same columns and indexes that a person would make by hand. */
export class PlainIndex {
  readonly path: string;
  readonly #database: DatabaseSync;
  readonly #files: readonly string[];
  readonly #statements = new Map<string, StatementSync>();

  constructor(path: string, files: readonly string[]) {
    this.path = path;
    this.#files = files;
    this.#database = new DatabaseSync(path);
    this.#database.exec(`
      PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA cache_size = -65536;
      CREATE TABLE event (position INTEGER PRIMARY KEY, at INTEGER, type TEXT, agent TEXT, turn INTEGER, id TEXT,
        file INTEGER, start INTEGER, length INTEGER);
      CREATE TABLE cause (cause TEXT, position INTEGER)`);
  }

  /** `causes` of the event at a position. */
  fill(
    rows: Iterable<
      readonly [number, number, string, string, number, string, number, number, number, readonly string[]]
    >,
  ): void {
    const insert = this.#database.prepare("INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
    const insertCause = this.#database.prepare("INSERT INTO cause VALUES (?, ?)");
    this.#database.exec("BEGIN");
    for (const [position, at, type, agent, turn, id, file, start, length, causes] of rows) {
      insert.run(position, at, type, agent, turn, id, file, start, length);
      for (const cause of causes) insertCause.run(cause, position);
    }
    this.#database.exec("COMMIT");
  }

  makeIndexes(): void {
    this.#database.exec(`
      CREATE INDEX by_time ON event (at, id);
      CREATE INDEX by_type ON event (type, at, id, turn);
      CREATE INDEX by_agent ON event (agent, type, at, id, turn);
      CREATE INDEX by_id ON event (id);
      CREATE INDEX by_cause ON cause (cause, position);
      ANALYZE`);
  }

  ask({ filter, offset = 0, newestFirst = false }: Question): Answer {
    const terms: string[] = [];
    const values: (string | number | bigint)[] = [];
    const add = (term: string, ...more: readonly (string | number | bigint)[]): void => {
      terms.push(term);
      values.push(...more);
    };
    const { types, agents, turnStart, turnEnd, from, to } = filter;
    if (types !== undefined) add(`type IN (${types.map(() => "?").join()})`, ...types);
    if (agents !== undefined) add(`agent IN (${agents.map(() => "?").join()})`, ...agents);
    if (turnStart !== undefined) add("turn >= ?", turnStart);
    if (turnEnd !== undefined) add("turn <= ?", turnEnd);
    if (from !== undefined) add("at >= ?", from);
    if (to !== undefined) add("at <= ?", to);
    const where = terms.length === 0 ? "" : `WHERE ${terms.join(" AND ")}`;
    const order = newestFirst ? "at DESC, id DESC, position DESC" : "at, id, position";
    const total = Number(this.#statement(`SELECT count(*) AS n FROM event ${where}`).get(...values)?.["n"]);
    const rows = this.#statement(
      `SELECT file, start, length FROM event ${where} ORDER BY ${order} LIMIT ${PAGE} OFFSET ?`,
    ).all(...values, offset);
    return { total, ids: rows.map((row) => this.#read(row).event_id) };
  }

  causesOf(ids: readonly string[]): string[] {
    const causes: string[] = [];
    for (const id of ids) {
      for (const row of this.#statement("SELECT file, start, length FROM event WHERE id = ?").all(id)) {
        causes.push(...(this.#read(row).caused_by ?? []));
      }
    }
    return causes;
  }

  /** What it takes on disk. */
  get bytes(): number {
    return statSync(this.path).size + statSync(`${this.path}-wal`).size;
  }

  close(): void {
    this.#database.close();
  }

  #read({ file, start, length }: Record<string, unknown>): Event {
    const open = openSync(this.#files[Number(file)] ?? "", "r");
    const bytes = Buffer.allocUnsafe(Number(length));
    readSync(open, bytes, 0, bytes.length, Number(start));
    closeSync(open);
    return JSON.parse(bytes.toString()) as Event;
  }

  #statement(sql: string): StatementSync {
    const known = this.#statements.get(sql) ?? this.#database.prepare(sql);
    this.#statements.set(sql, known);
    return known;
  }
}

type Row = Parameters<PlainIndex["fill"]>[0] extends Iterable<infer R> ? R : never;

/** What goes into the plain index, in pieces: an insert is all that is measured. */
async function* rowsOf(folder: string): AsyncGenerator<Row[]> {
  let rows: Row[] = [];
  const files = filesOf(folder);
  for await (const { record, position, path, offset, length } of readLog(join(folder, "events.jsonl"), {
    exact: false,
  })) {
    const event = record as Event;
    rows.push([
      position,
      Number(parseTimestamp(event.timestamp)),
      event.event_type,
      event.agent_id,
      event.turn_number,
      event.event_id,
      files.indexOf(path),
      offset,
      length,
      event.caused_by ?? [],
    ]);
    if (rows.length < 100_000) continue;
    yield rows;
    rows = [];
  }
  yield rows;
}

/** Makes the plain table, and gives it with the time that the inserts alone took. */
export async function fillPlain(root: string): Promise<{ readonly plain: PlainIndex; readonly ms: number }> {
  const folder = join(root, "runs", "bench");
  removePlain(root);
  const plain = new PlainIndex(plainPath(root), filesOf(folder));
  let ms = 0;
  for await (const rows of rowsOf(folder)) ms += await timed(() => plain.fill(rows));
  return { plain, ms };
}

function plainPath(root: string): string {
  return `${root}-plain.db`;
}

/** Removes the plain table of a store. */
export function removePlain(root: string): void {
  for (const end of ["", "-wal", "-shm"]) rmSync(`${plainPath(root)}${end}`, { force: true });
}
