import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { DuckDBInstance } from "@duckdb/node-api";
import { readLog } from "@holdfast/ndjson";
import { type FileStore, type Filter, fileStore, parseTimestamp } from "@holdfast/storage";
import {
  type Benchmark,
  type BenchmarkRow,
  type Candidate,
  compareInTurn,
  environment,
  median,
  pairedRatio,
} from "./harness.ts";

const KEY = "runs/bench/events";
const TYPES = ["DECISION", "ACTION", "STATE", "DETAIL", "ACTION", "STATE", "STATE", "MILESTONE"];
const AGENTS = 1_000;
const EVENTS_A_TURN = 2_000;
const FILE_BYTES = 500 * 1024 * 1024;
const PAGE = 100;
const PEER = "node:sqlite with the right indexes";

interface Event {
  readonly event_id: string;
  readonly timestamp: string;
  readonly turn_number: number;
  readonly event_type: string;
  readonly agent_id: string;
  readonly caused_by: readonly string[];
}

function idOf(n: number): string {
  return `01KDS${n.toString(32).toUpperCase().padStart(21, "0")}`;
}

function eventOf(n: number): Event {
  const at = 1_767_225_600_000 + Math.floor(n / 10); // a hundred microseconds apart
  return {
    event_id: idOf(n),
    timestamp: `${new Date(at).toISOString().slice(0, -1)}${String((n % 10) * 100).padStart(3, "0")}Z`,
    turn_number: Math.floor(n / EVENTS_A_TURN),
    event_type: TYPES[(n * 7 + Math.floor(n / AGENTS)) % TYPES.length] ?? "STATE",
    agent_id: `agent-${(n * 7_919) % AGENTS}`,
    caused_by: n % 3 === 0 || n < 50 ? [] : [idOf(n - 1 - (n % 40))],
  };
}

/** Writes the events as three or more files, as a stream that was rotated. */
function writeEvents(folder: string, count: number): void {
  mkdirSync(folder, { recursive: true });
  const rotateAt = Math.min(FILE_BYTES, Math.floor((count * 300) / 3));
  let files = 0;
  let size = 0;
  let file = openSync(join(folder, "events_2026-01-01_00-00-00.jsonl"), "w");
  for (let n = 0; n < count; ) {
    let block = "";
    for (const end = Math.min(count, n + 2_000); n < end; n += 1) {
      const event = eventOf(n);
      const { caused_by, ...rest } = event;
      const details = { variable_name: `v${n % 17}`, old_value: n, new_value: n + 1, scope: "agent" };
      block += `${JSON.stringify({ ...rest, simulation_id: "bench_1agents_20260101_000000_01", ...(caused_by.length > 0 && { caused_by }), details })}\n`;
    }
    size += writeSync(file, block);
    if (size < rotateAt || n >= count) continue;
    closeSync(file);
    files += 1;
    size = 0;
    const name = `events_2026-01-01_00-00-${String(files).padStart(2, "0")}.jsonl`;
    file = openSync(join(folder, name), "w");
  }
  closeSync(file);
  // What was written last is the current file.
  const last = `events_2026-01-01_00-00-${String(files).padStart(2, "0")}.jsonl`;
  renameLast(folder, last);
}

function renameLast(folder: string, name: string): void {
  const { renameSync } = process.getBuiltinModule("node:fs");
  renameSync(join(folder, name), join(folder, "events.jsonl"));
}

function filesOf(folder: string): string[] {
  const names = readdirSync(folder).filter((name) => name.endsWith(".jsonl"));
  return [...names.filter((name) => name !== "events.jsonl").toSorted(), "events.jsonl"].map((name) =>
    join(folder, name),
  );
}

/** A page and how many there are; the page as the ids of its events, so that answers can be compared. */
interface Answer {
  readonly total: number;
  readonly ids: readonly string[];
}

interface Question {
  readonly name: string;
  readonly filter: Filter;
  readonly offset?: number;
  readonly newestFirst?: boolean;
  readonly goalMs: number;
}

function questionsOf(count: number): Question[] {
  const turns = Math.floor(count / EVENTS_A_TURN);
  const middle = Math.floor(turns / 2);
  const from = parseTimestamp(eventOf(Math.floor(count * 0.3)).timestamp);
  const to = parseTimestamp(eventOf(Math.floor(count * 0.6)).timestamp);
  return [
    {
      name: "narrow: agent, type, 50 turns",
      filter: { agents: ["agent-7"], types: ["STATE"], turnStart: middle, turnEnd: middle + 49 },
      goalMs: 5,
    },
    {
      name: "narrow: agent and type, all turns",
      filter: { agents: ["agent-7"], types: ["STATE"] },
      goalMs: 5,
    },
    { name: "broad: two types", filter: { types: ["ACTION", "DECISION"] }, goalMs: 50 },
    {
      name: "broad: type and half of the turns",
      filter: { types: ["STATE"], turnStart: 10, turnEnd: middle + 10 },
      goalMs: 50,
    },
    {
      name: "broad, deep page: a third of the time, page in its middle",
      filter: { from, to },
      offset: Math.floor(count * 0.15),
      goalMs: 50,
    },
    { name: "broad, newest first: everything", filter: {}, newestFirst: true, goalMs: 50 },
  ];
}

async function ask(store: FileStore, { filter, offset = 0, newestFirst = false }: Question): Promise<Answer> {
  const [page, { count }] = await Promise.all([
    store.logs.find(KEY, filter, { limit: PAGE, offset, newestFirst }),
    store.logs.count(KEY, filter),
  ]);
  return { total: count, ids: page.items.map(({ text }) => (JSON.parse(text) as Event).event_id) };
}

async function upstream(
  id: string,
  causesOf: (ids: readonly string[]) => Promise<readonly string[]> | readonly string[],
): Promise<number> {
  const seen = new Set([id]);
  let level: readonly string[] = [id];
  for (let depth = 0; depth < 20 && level.length > 0; depth += 1) {
    level = [...new Set(await causesOf(level))].filter((cause) => !seen.has(cause));
    for (const cause of level) seen.add(cause);
  }
  return seen.size;
}

/** The same columns and indexes that a person would make by hand. */
class PlainIndex {
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

async function timed(work: () => unknown): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

async function scan(folder: string, { filter }: Question): Promise<number> {
  let total = 0;
  for await (const { record } of readLog(join(folder, "events.jsonl"), { exact: false })) {
    const { event_type, agent_id, turn_number } = record as Event;
    if (filter.types?.includes(event_type) === false || filter.agents?.includes(agent_id) === false) continue;
    if (turn_number < (filter.turnStart ?? 0) || turn_number > (filter.turnEnd ?? Number.MAX_VALUE)) continue;
    total += 1;
  }
  return total;
}

function list(texts: readonly string[]): string {
  return texts.map((text) => `'${text}'`).join();
}

async function duckScan(folder: string, { filter }: Question): Promise<number> {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  try {
    const columns =
      "{event_id: 'VARCHAR', event_type: 'VARCHAR', agent_id: 'VARCHAR', turn_number: 'BIGINT', timestamp: 'VARCHAR'}";
    const terms = [
      filter.types === undefined ? "true" : `event_type IN (${list(filter.types)})`,
      filter.agents === undefined ? "true" : `agent_id IN (${list(filter.agents)})`,
      `turn_number BETWEEN ${filter.turnStart ?? 0} AND ${filter.turnEnd ?? Number.MAX_SAFE_INTEGER}`,
    ];
    const source = `read_json('${folder}/*.jsonl', format = 'newline_delimited', columns = ${columns})`;
    const where = terms.join(" AND ");
    await connection.runAndReadAll(
      `SELECT event_id FROM ${source} WHERE ${where} ORDER BY timestamp, event_id LIMIT ${PAGE}`,
    );
    const counted = await connection.runAndReadAll(`SELECT count(*) AS n FROM ${source} WHERE ${where}`);
    return Number(counted.getRowObjects()[0]?.["n"]);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

function rowOf(
  job: string,
  subject: string,
  kind: BenchmarkRow["kind"],
  value: number,
  unit: string,
): BenchmarkRow {
  return { job, subject, kind, median: value, unit };
}

/** Makes the plain table, and gives it with the time that the inserts alone took. */
async function fillPlain(root: string): Promise<{ readonly plain: PlainIndex; readonly ms: number }> {
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

function removePlain(root: string): void {
  for (const end of ["", "-wal", "-shm"]) rmSync(`${plainPath(root)}${end}`, { force: true });
}

/** Makes the index of a store from the files alone. */
async function buildOurs(root: string): Promise<number> {
  rmSync(join(root, "index"), { recursive: true, force: true });
  const store = fileStore(root);
  const ms = await timed(() => store.logs.count(KEY, {}));
  await store.close();
  return ms;
}

/** Builds both indexes in turn, and says how fast and how large they are. */
async function buildRows(
  root: string,
  count: number,
  rounds: number,
): Promise<{ readonly rows: BenchmarkRow[]; readonly plain: PlainIndex }> {
  const job = "build the index";
  const rate = (ms: number): number => (count / ms) * 1_000;
  const times: { readonly ours: number; readonly bare: number }[] = [];
  let plain: PlainIndex | undefined;
  for (let round = 0; round < rounds; round += 1) {
    plain?.close();
    // Each begins every other round: what a busy machine does to one it does to the other.
    const before = round % 2 === 0 ? await buildOurs(root) : undefined;
    const filled = await fillPlain(root);
    plain = filled.plain;
    times.push({ ours: before ?? (await buildOurs(root)), bare: filled.ms });
  }
  if (plain === undefined) throw new RangeError("There is no round");
  const ours = median(times.map((time) => time.ours));
  const bare = median(times.map((time) => time.bare));
  const ratio = median(times.map((time) => time.bare / time.ours));
  const indexes = await timed(() => plain.makeIndexes());
  const bytes = statSync(join(root, "index", "logs", `${KEY}.db`)).size / count;
  const plainBytes = (statSync(plain.path).size + statSync(`${plain.path}-wal`).size) / count;
  const rows: BenchmarkRow[] = [
    {
      ...rowOf(
        job,
        "bare insert of the same columns, no index, nothing parsed",
        "limit",
        rate(bare),
        "events/s",
      ),
    },
    {
      ...rowOf(job, "ours, from the files", "ours", rate(ours), "events/s"),
      ratio,
      goal: ">= 0.7 of the bare insert",
      met: ratio >= 0.7,
      note: `${((bare + indexes) / ours).toFixed(2)} of the insert with indexes`,
    },
    rowOf(job, PEER, "peer", rate(bare + indexes), "events/s"),
    {
      ...rowOf("size of the index", "ours", "ours", bytes, "B/event"),
      ratio: bytes / plainBytes,
      goal: "<= 165 B an event",
      met: bytes <= 165,
    },
    rowOf("size of the index", PEER, "peer", plainBytes, "B/event"),
  ];
  return { rows, plain };
}

async function questionRows(
  folder: string,
  store: FileStore,
  plain: PlainIndex,
  count: number,
  rounds: number,
): Promise<BenchmarkRow[]> {
  const rows: BenchmarkRow[] = [];
  for (const question of questionsOf(count)) {
    const candidates: Candidate[] = [
      { subject: "ours", kind: "ours", run: () => ask(store, question) },
      { subject: PEER, kind: "peer", run: () => plain.ask(question) },
    ];
    const [ours, peer] = await compareInTurn(candidates, { rounds, warmup: 2 });
    if (ours === undefined || peer === undefined) continue;
    rows.push({
      ...rowOf(question.name, "ours", "ours", ours.median, "ms"),
      ratio: pairedRatio(ours, peer),
      goal: `p50 under ${question.goalMs} ms at 10 M`,
      met: ours.median < question.goalMs,
      note: `p99 ${ours.p99.toFixed(1)} ms`,
    });
    rows.push(rowOf(question.name, PEER, "peer", peer.median, "ms"));
    if (question.filter.from !== undefined || question.newestFirst === true) continue;
    const scanned = await timed(async () => {
      const total = await scan(folder, question);
      if (total !== (await ask(store, question)).total) throw new Error("The scan found something else");
    });
    rows.push({
      ...rowOf(question.name, "full scan, total only", "peer", scanned, "ms"),
      ratio: scanned / ours.median,
      goal: "ours at least 100 times as fast",
      met: scanned / ours.median >= 100,
    });
    const duck = await timed(async () => {
      const total = await duckScan(folder, question);
      if (total !== (await ask(store, question)).total) throw new Error("DuckDB found something else");
    });
    rows.push({
      ...rowOf(question.name, "DuckDB over the files", "peer", duck, "ms"),
      ratio: duck / ours.median,
    });
  }
  return rows;
}

async function lookupRows(
  store: FileStore,
  plain: PlainIndex,
  count: number,
  rounds: number,
): Promise<BenchmarkRow[]> {
  const wanted = (round: number): string => idOf((round * 7_919_317 + 12_345) % count);
  const byIds = async (ids: readonly string[]): Promise<string[]> => {
    const { items } = await store.logs.find(KEY, { ids }, { limit: 10_000 });
    return items.flatMap(({ text }) => (JSON.parse(text) as Event).caused_by ?? []);
  };
  const rows: BenchmarkRow[] = [];
  const jobs = [
    {
      name: "an event by its id",
      ours: (round: number) => byIds([wanted(round)]),
      peer: (round: number) => plain.causesOf([wanted(round)]),
    },
    {
      name: "causes to depth 20",
      ours: (round: number) => upstream(wanted(round), byIds),
      peer: (round: number) => upstream(wanted(round), (ids) => plain.causesOf(ids)),
    },
  ];
  for (const job of jobs) {
    const candidates: Candidate[] = [
      { subject: "ours", kind: "ours", run: job.ours },
      { subject: PEER, kind: "peer", run: job.peer },
    ];
    const [ours, peer] = await compareInTurn(candidates, { rounds: rounds * 3, warmup: 3 });
    if (ours === undefined || peer === undefined) continue;
    rows.push({ ...rowOf(job.name, "ours", "ours", ours.median, "ms"), ratio: pairedRatio(ours, peer) });
    rows.push(rowOf(job.name, PEER, "peer", peer.median, "ms"));
  }
  return rows;
}

/** Another program appends an event; how long until a search has it. */
async function visibleRow(folder: string, store: FileStore, count: number): Promise<BenchmarkRow> {
  const times: number[] = [];
  const file = openSync(join(folder, "events.jsonl"), "a");
  for (let n = count; n < count + 50; n += 1) {
    const event = eventOf(n);
    writeSync(file, `${JSON.stringify(event)}\n`);
    times.push(
      await timed(async () => {
        const { items } = await store.logs.find(
          KEY,
          { types: [event.event_type] },
          { limit: 1, newestFirst: true },
        );
        if (!(items[0]?.text.includes(event.event_id) ?? false))
          throw new Error("The new event is not found");
      }),
    );
  }
  closeSync(file);
  const job = "a new event is found";
  return {
    ...rowOf(job, "ours", "ours", median(times), "ms"),
    goal: "under 10 ms",
    met: median(times) < 10,
    note: `longest ${Math.max(...times).toFixed(1)} ms`,
  };
}

async function openRow(root: string): Promise<BenchmarkRow> {
  const times: number[] = [];
  for (let round = 0; round < 5; round += 1) {
    const store = fileStore(root);
    times.push(await timed(() => store.logs.count(KEY, { types: ["ACTION"] })));
    await store.close();
  }
  return rowOf("the first answer of a new process", "ours", "ours", median(times), "ms");
}

/** Queries over event files: ours against a database made by hand, a scan, and DuckDB over the same files. */
export const benchmark: Benchmark = {
  name: "query",
  async run({ quick, large = false }) {
    const count = large ? 10_000_000 : quick ? 100_000 : 1_000_000;
    const rounds = quick ? 5 : 21;
    const root = mkdtempSync(join(tmpdir(), "holdfast-query-"));
    const folder = join(root, "runs", "bench");
    try {
      writeEvents(folder, count);
      const built = await buildRows(root, count, large ? 1 : quick ? 2 : 5);
      const { plain } = built;
      const store = fileStore(root);
      try {
        const rows = [
          ...built.rows,
          ...(await questionRows(folder, store, plain, count, rounds)),
          ...(await lookupRows(store, plain, count, rounds)),
          await visibleRow(folder, store, count),
          await openRow(root),
        ];
        const name = `query ${count.toLocaleString("en-US")} events`;
        return { name, rows, environment: environment() };
      } finally {
        await store.close();
        plain.close();
      }
    } finally {
      rmSync(root, { recursive: true, force: true });
      removePlain(root);
    }
  },
};
