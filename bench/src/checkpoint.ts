import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { execPath, getBuiltinModule, platform } from "node:process";
import { deserialize, serialize } from "node:v8";
import { CheckpointManager, type SimulationState, stateChecksum } from "@holdfast/checkpoint";
import { fileStore } from "@holdfast/storage";
import { langGraphSaver } from "./checkpoint/saver.ts";
import { type NameOrder, stateOf } from "./checkpoint/state.ts";
import {
  type Benchmark,
  type BenchmarkRow,
  type Candidate,
  type CompareOptions,
  compareInTurn,
  environment,
  pairedRatio,
} from "./harness.ts";

const LIMIT = "JSON.stringify or parse, SHA-256, durable replace";
const SAVER = "LangGraph's SQLite saver";
const GOAL = `at most 1.5 of the limit, at least 3 times as fast as the saver`;

const QUICK = { rounds: 5, warmup: 2 };
const SMALL = { rounds: 40, warmup: 4 };
// The saver takes three seconds to load a state, longer than all others together: the run that compares the results is the only one that is not timed.
const LARGE = { rounds: 6, warmup: 0, mostMs: 9_000 };

function replace(path: string, bytes: Uint8Array): void {
  const temporary = `${path}.tmp`;
  const file = fs.openSync(temporary, "w", 0o600);
  for (let done = 0; done < bytes.length; ) done += fs.writeSync(file, bytes, done);
  fs.fsyncSync(file);
  fs.closeSync(file);
  fs.renameSync(temporary, path);
  const folder = fs.openSync(dirname(path), "r");
  fs.fsyncSync(folder);
  fs.closeSync(folder);
}

function checksum(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** One way to keep a state. */
interface Way {
  readonly subject: string;
  readonly kind: Candidate["kind"];
  readonly save: (state: SimulationState) => unknown;
  readonly load: () => unknown;
  readonly note?: string;
}

function byHand(folder: string): Way {
  const path = join(folder, "by-hand.json");
  let recorded = "";
  return {
    subject: LIMIT,
    kind: "limit",
    save: (state) => {
      const bytes = Buffer.from(JSON.stringify(state));
      recorded = checksum(bytes);
      replace(path, bytes);
    },
    load: () => {
      const bytes = fs.readFileSync(path);
      if (checksum(bytes) !== recorded) throw new Error("It was changed");
      return JSON.parse(bytes.toString("utf8"));
    },
  };
}

function ours(folder: string, compression: "none" | "zstd"): Way {
  const manager = new CheckpointManager(fileStore(join(folder, compression)), "run", 5, { compression });
  return {
    subject: compression === "none" ? "CheckpointManager" : "CheckpointManager, zstd",
    kind: "ours",
    save: (state) => manager.save(state, "last"),
    load: async () => (await manager.load("run", "last")).checkpoint.state,
  };
}

function langGraph(folder: string): Way {
  const saver = langGraphSaver(join(folder, "langgraph.db"));
  return {
    subject: SAVER,
    kind: "peer",
    save: (state) => saver.put(state),
    load: () => saver.get(),
    note: "WAL, FULL; no checksum",
  };
}

/** The least that keeping a state in SQLite takes. */
function sqlite(folder: string): Way {
  const { DatabaseSync } = getBuiltinModule("node:sqlite");
  const database = new DatabaseSync(join(folder, "plain.db"));
  database.exec(
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE state (id INTEGER PRIMARY KEY, text TEXT)",
  );
  const put = database.prepare("INSERT OR REPLACE INTO state (id, text) VALUES (1, ?)");
  const get = database.prepare("SELECT text FROM state WHERE id = 1");
  return {
    subject: "node:sqlite, plain JSON",
    kind: "peer",
    save: (state) => put.run(JSON.stringify(state)),
    load: () => JSON.parse(String(get.get()?.["text"])),
    note: "WAL, FULL; no checksum",
  };
}

function structuredClone(folder: string): Way {
  const path = join(folder, "v8.bin");
  return {
    subject: "v8.serialize to a file",
    kind: "peer",
    save: (state) => replace(path, serialize(state)),
    load: () => deserialize(fs.readFileSync(path)),
    note: "no checksum; durable replace by hand",
  };
}

async function compare(
  folder: string,
  bytes: number,
  order: NameOrder,
  options: Omit<CompareOptions, "isChecked">,
): Promise<BenchmarkRow[]> {
  const place = join(folder, `${bytes}-${order.replace(" ", "-")}`);
  fs.mkdirSync(place);
  const state = stateOf(bytes, order);
  const ways = [
    byHand(place),
    ours(place, "none"),
    ours(place, "zstd"),
    langGraph(place),
    sqlite(place),
    structuredClone(place),
  ];
  const size = `${bytes / 1_000_000} MB, names ${order}`;
  const expected = stateChecksum(state);
  for (const way of ways) {
    await way.save(state);
    if (stateChecksum(await way.load()) !== expected) throw new Error(`"${way.subject}" loads another state`);
  }
  const saves = ways.map(
    ({ subject, kind, save }): Candidate => ({ subject, kind, run: async () => void (await save(state)) }),
  );
  const loads = ways.map(
    ({ subject, kind, load }): Candidate => ({ subject, kind, run: async () => void (await load()) }),
  );
  const rows: BenchmarkRow[] = [];
  for (const [job, candidates] of [
    [`save ${size}`, saves],
    [`load ${size}`, loads],
  ] as const) {
    const measured = await compareInTurn(candidates, { ...options, isChecked: true });
    const of = (subject: string) => {
      const found = measured.find((one) => one.subject === subject);
      if (found === undefined) throw new Error(`"${subject}" is part of every run`);
      return found;
    };
    for (const one of measured) {
      const { subject, kind, median } = one;
      const ratio = pairedRatio(one, of(LIMIT));
      const row = { job, subject, kind, median, unit: "ms", ratio };
      const note = ways.find((way) => way.subject === subject)?.note;
      if (subject === "CheckpointManager") {
        const faster = pairedRatio(of(SAVER), one);
        rows.push({
          ...row,
          goal: GOAL,
          met: ratio <= 1.5 && faster >= 3,
          note: `${faster.toFixed(2)} times as fast as the saver`,
        });
      } else {
        rows.push(note === undefined ? row : { ...row, note });
      }
    }
  }
  return rows;
}

/** What `last` of a 1 KB state costs a turn, beside the replace of one file. */
async function perTurn(folder: string, rounds: number): Promise<BenchmarkRow[]> {
  const state = stateOf(1_000, "as written");
  const bytes = Buffer.from(JSON.stringify(state));
  const manager = new CheckpointManager(fileStore(join(folder, "turns")), "run", 5);
  const path = join(folder, "one.json");
  const one = "one durable replace of 1 KB";
  const measured = await compareInTurn(
    [
      { subject: one, kind: "limit", run: () => replace(path, bytes) },
      {
        subject: "CheckpointManager",
        kind: "ours",
        run: async () => void (await manager.save(state, "last")),
      },
    ],
    { rounds, warmup: 20 },
  );
  const [limit, own] = measured;
  if (limit === undefined || own === undefined) throw new Error("Both are part of every run");
  const ratio = pairedRatio(own, limit);
  const job = "save `last` of a 1 KB state";
  return [
    { job, subject: one, kind: "limit", median: limit.median, unit: "ms", ratio: 1 },
    {
      job,
      subject: own.subject,
      kind: "ours",
      median: own.median,
      unit: "ms",
      ratio,
      goal: "a whole turn: at most 2.5 of the limit",
      met: ratio <= 2.5,
    },
  ];
}

function memory(folder: string, megabytes: number): BenchmarkRow[] {
  if (platform !== "linux") return []; // who else tells the most that was used since a moment?
  const root = join(folder, `memory-${megabytes}`);
  const program = join(import.meta.dirname, "checkpoint", "memory.ts");
  return ["save", "load"].map((action) => {
    const args = [
      "--conditions=holdfast-source",
      "--expose-gc",
      program,
      action,
      root,
      String(megabytes * 1_000_000),
    ];
    const answer: { grown: number; stateBytes: number } = JSON.parse(
      execFileSync(execPath, args, { encoding: "utf8" }),
    );
    const times = answer.grown / answer.stateBytes;
    return {
      job: `memory to ${action} ${megabytes} MB`,
      subject: "CheckpointManager",
      kind: "ours",
      median: answer.grown / 1_000_000,
      unit: "MB grown",
      ratio: times,
      goal: "at most 4 times the state",
      met: times <= 4,
      note: action === "save" ? "besides the state itself" : "with the state that was loaded",
    };
  });
}

export const benchmark: Benchmark = {
  name: "checkpoint",
  async run({ quick }) {
    const folder = await mkdtemp(join(tmpdir(), "holdfast-bench-checkpoint-"));
    try {
      const rows: BenchmarkRow[] = [];
      for (const order of ["as written", "canonical"] as const) {
        rows.push(...(await compare(folder, 1_000_000, order, quick ? QUICK : SMALL)));
        if (!quick) rows.push(...(await compare(folder, 20_000_000, order, LARGE)));
      }
      rows.push(...(await perTurn(folder, quick ? 20 : 400)));
      for (const megabytes of quick ? [20] : [20, 100]) rows.push(...memory(folder, megabytes));
      return { name: "checkpoint", rows, environment: environment() };
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};
