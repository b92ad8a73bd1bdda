import * as fs from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { openLog } from "@holdfast/ndjson";
// @ts-expect-error it comes without types
import BetterSqlite from "better-sqlite3";
import { Level } from "level";
import { open as openLmdb } from "lmdb";
import sonicBoomModule from "sonic-boom";
import {
  type Benchmark,
  type BenchmarkRow,
  type Candidate,
  compareInTurn,
  environment,
  pairedRatio,
  quantile,
} from "./harness.ts";

const LIMIT = "one write and one fdatasync a batch";
const OURS = "openLog().append";
const WARMUP = 2;
const BATCHED = /a transaction a batch$/u;

/** A message of about 300 bytes. */
function recordOf(seq: number): object {
  return {
    kind: "event",
    message_id: `01JF${String(seq).padStart(22, "0")}`,
    correlation_id: "4f7c2d1e-7c52-4a5e-9d4e-0f3a2b1c9d8e",
    task_id: "T-0042",
    from: { agent_type: "builder", agent_id: "builder-1" },
    event: "builder.progress",
    payload: { done: seq, of: 100_000, file: "src/parser/duration.mjs" },
    occurred_at: "2026-01-02T03:04:05.123456Z",
  };
}

/** A place to append to. `append` resolves when the record is on stable storage. */
interface Sink {
  append(record: object): Promise<unknown>;
  close(): unknown;
  /** How many records are there, after `close`. */
  count(): number | Promise<number>;
}

/** Collects whoever waits, and commits all of them at once: the least that group commit takes. */
function grouped(commit: (texts: string[]) => unknown): (record: object) => Promise<void> {
  let texts: string[] = [];
  let waiting: (() => void)[] = [];
  const run = async (): Promise<void> => {
    const batch = texts;
    const callers = waiting;
    texts = [];
    waiting = [];
    await commit(batch);
    for (const resolve of callers) resolve();
  };
  return (record) =>
    new Promise((resolve) => {
      texts.push(JSON.stringify(record));
      if (waiting.push(resolve) === 1) setImmediate(() => void run());
    });
}

function countLines(path: string): number {
  return fs.readFileSync(path, "utf8").split("\n").length - 1;
}

function byHand(path: string): Sink {
  const file = fs.openSync(path, "a", 0o600);
  const append = grouped((texts) => {
    fs.writeSync(file, `${texts.join("\n")}\n`);
    fs.fdatasyncSync(file);
  });
  return { append, close: () => fs.closeSync(file), count: () => countLines(path) };
}

async function ours(path: string): Promise<Sink> {
  const log = await openLog(path);
  return { append: (record) => log.append(record), close: () => log.close(), count: () => countLines(path) };
}

/** What the two drivers of SQLite have in common. */
interface Database {
  exec(sql: string): unknown;
  prepare(sql: string): { run(text: string): unknown; get(): Record<string, unknown> | undefined };
  close(): unknown;
}
type Driver = new (path: string) => Database;

const nodeSqlite: Driver = DatabaseSync;
const betterSqlite: Driver = BetterSqlite;

function sqlite(Connection: Driver, path: string, isBatched: boolean): Sink {
  const database = new Connection(path);
  database.exec(
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE log (position INTEGER PRIMARY KEY, text TEXT)",
  );
  const insert = database.prepare("INSERT INTO log (text) VALUES (?)");
  const append = isBatched
    ? grouped((texts) => {
        database.exec("BEGIN");
        for (const text of texts) insert.run(text);
        database.exec("COMMIT");
      })
    : async (record: object) => insert.run(JSON.stringify(record));
  const count = (): number => {
    const again = new Connection(path);
    const row = again.prepare("SELECT count(*) AS n FROM log").get();
    again.close();
    return Number(row?.["n"]);
  };
  return { append, close: () => database.close(), count };
}

function lmdb(path: string): Sink {
  // Without overlapping syncs: a put resolves when it is synced.
  const database = openLmdb<string, number>({ path, overlappingSync: false });
  let position = 0;
  let count = 0;
  return {
    append: (record) => database.put(++position, JSON.stringify(record)),
    close: async () => {
      count = database.getCount();
      await database.close();
    },
    count: () => count,
  };
}

async function level(path: string): Promise<Sink> {
  const database = new Level(path);
  await database.open();
  let position = 0;
  let count = 0;
  return {
    append: (record) =>
      database.put(String(++position).padStart(12, "0"), JSON.stringify(record), { sync: true }),
    close: async () => {
      for await (const key of database.keys()) count += key === "" ? 0 : 1;
      await database.close();
    },
    count: () => count,
  };
}

function sonicBoom(path: string): Sink {
  const stream = new sonicBoomModule.SonicBoom({ dest: path, fsync: true, sync: false });
  const append = grouped(async (texts) => {
    stream.write(`${texts.join("\n")}\n`);
    await new Promise<void>((resolve, reject) => {
      stream.flush((error) => (error ? reject(error) : resolve()));
    });
  });
  const close = (): Promise<unknown> => {
    const closed = new Promise((resolve) => stream.once("close", resolve));
    stream.end();
    return closed;
  };
  return { append, close, count: () => countLines(path) };
}

interface Contender {
  readonly subject: string;
  readonly kind: Candidate["kind"];
  readonly open: (path: string) => Sink | Promise<Sink>;
  /** Does this part of the appends: for those that sync each record by itself. */
  readonly share: number;
  readonly note?: string;
}

const CONTENDERS: readonly Contender[] = [
  { subject: LIMIT, kind: "limit", open: byHand, share: 1, note: "synchronous calls, no checks" },
  { subject: OURS, kind: "ours", open: ours, share: 1 },
  ...(
    [
      ["node:sqlite", nodeSqlite],
      ["better-sqlite3", betterSqlite],
    ] as const
  ).flatMap(([name, driver]): Contender[] => [
    {
      subject: `${name}, a transaction a batch`,
      kind: "peer",
      open: (path) => sqlite(driver, path, true),
      share: 1,
      note: "WAL, FULL",
    },
    {
      subject: `${name}, a transaction a row`,
      kind: "peer",
      open: (path) => sqlite(driver, path, false),
      share: 1 / 16,
      note: "WAL, FULL",
    },
  ]),
  { subject: "lmdb", kind: "peer", open: lmdb, share: 1 },
  { subject: "level", kind: "peer", open: level, share: 1 / 16, note: "sync: true" },
  { subject: "sonic-boom", kind: "peer", open: sonicBoom, share: 1, note: "fsync: true, a flush a batch" },
];

async function compare(
  folder: string,
  callers: number,
  each: number,
  rounds: number,
): Promise<BenchmarkRow[]> {
  const total = callers * each;
  const latencies = new Map<string, number[]>();
  const chosen = CONTENDERS.map((contender) => ({
    ...contender,
    appends:
      callers === 1 ? total : Math.max(callers, Math.round((total * contender.share) / callers) * callers),
  }));
  let run = 0;
  const candidates = chosen.map(({ subject, kind, open, appends }): Candidate => {
    let sink: Sink | undefined;
    let at = "";
    const seen: number[] = [];
    latencies.set(subject, seen);
    return {
      subject,
      kind,
      before: async () => {
        await sink?.close();
        at = join(folder, `${callers}-${run++}-${subject.replaceAll(/\W+/gu, "-")}`);
        sink = await open(at);
        await sink.append(recordOf(0));
      },
      run: async (round) => {
        const target = sink;
        if (target === undefined) throw new Error("It was not opened");
        const call = async (caller: number): Promise<void> => {
          for (let number = 0; number < appends / callers; number++) {
            const start = performance.now();
            await target.append(recordOf(caller * each + number));
            // A latency of code that was not compiled yet says nothing of the disk, as the time of that round does not.
            if (round >= WARMUP) seen.push(performance.now() - start);
          }
        };
        await Promise.all(Array.from({ length: callers }, (_, caller) => call(caller)));
      },
      // Everything that was acknowledged is there after a close.
      result: async () => {
        await sink?.close();
        const count = await sink?.count();
        sink = undefined;
        return count === appends + 1 ? "all" : `${count} of ${appends + 1}`;
      },
    };
  });
  const measured = await compareInTurn(candidates, { rounds, warmup: WARMUP });
  for (const candidate of candidates) await candidate.result?.(); // closes what the last round opened
  return rowsOf(callers, measured, chosen, latencies);
}

function rowsOf(
  callers: number,
  measured: Awaited<ReturnType<typeof compareInTurn>>,
  chosen: readonly (Contender & { readonly appends: number })[],
  latencies: ReadonlyMap<string, readonly number[]>,
): BenchmarkRow[] {
  const find = (subject: string) => {
    const found = measured.find((one) => one.subject === subject);
    if (found === undefined) throw new Error(`${subject} is part of every run`);
    return found;
  };
  const limit = find(LIMIT);
  const p99 = (subject: string): number => quantile(latencies.get(subject) ?? [], 0.99);
  const limitP99 = p99(LIMIT);
  const limitAppends = chosen[0]?.appends ?? 1;
  return measured.map((one, index) => {
    const { appends = 1, note } = chosen[index] ?? {};
    const ratio = (pairedRatio(limit, one) * appends) / limitAppends;
    const late = p99(one.subject);
    const row: BenchmarkRow = {
      job: `append 300 B durably, ${callers} waiting`,
      subject: one.subject,
      kind: one.kind,
      median: (appends / one.median) * 1000,
      unit: "appends/s",
      ratio,
      note: `p99 ${late.toFixed(2)} ms${note === undefined ? "" : `; ${note}`}`,
    };
    if (one.kind !== "ours") return row;
    const overSqlite = Math.min(
      ...measured.filter(({ subject }) => BATCHED.test(subject)).map((peer) => pairedRatio(peer, one)),
    );
    const goals: string[] = [];
    const met: boolean[] = [];
    if (callers > 1) {
      goals.push("at least 0.9 of the limit", "p99 at most 1.5 of the limit's");
      met.push(ratio >= 0.9, late <= 1.5 * limitP99);
    }
    if (callers >= 1024) {
      goals.push("at least 1.25 times the best batched SQLite");
      met.push(overSqlite >= 1.25);
    }
    const said = {
      ...row,
      note: `${row.note}, ${(late / limitP99).toFixed(2)} of the limit's; ${overSqlite.toFixed(2)} times the better batched SQLite`,
    };
    return goals.length === 0 ? said : { ...said, goal: goals.join("; "), met: met.every(Boolean) };
  });
}

export const benchmark: Benchmark = {
  name: "append",
  async run({ quick }) {
    const folder = await mkdtemp(join(tmpdir(), "holdfast-bench-append-"));
    try {
      const rounds = quick ? 3 : 9;
      const rows = [
        ...(await compare(folder, 1, quick ? 30 : 150, rounds)),
        ...(await compare(folder, 64, quick ? 8 : 48, rounds)),
        ...(await compare(folder, 1024, quick ? 8 : 32, rounds)),
      ];
      return { name: "append", rows, environment: environment() };
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};
