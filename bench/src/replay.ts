import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execPath } from "node:process";
import { createInterface } from "node:readline";
import { readLines, readLog, scanLog } from "@holdfast/ndjson";
// @ts-expect-error it comes without types
import ndjson from "ndjson";
// @ts-expect-error it comes without types
import split2 from "split2";
import {
  assertSame,
  type Benchmark,
  type BenchmarkRow,
  type Candidate,
  compareInTurn,
  environment,
  type Measured,
  pairedRatio,
} from "./harness.ts";

const CHUNK = 1024 * 1024;
const LIMIT = "read, split, JSON.parse";

function isMessage(value: unknown): value is Message {
  return typeof value === "object" && value !== null && "seq" in value && "kind" in value;
}

interface Message {
  readonly kind: string;
  readonly seq: number;
}

/** Writes a ledger of about so many bytes; gives how many lines it has. */
function writeLedger(path: string, bytes: number): number {
  const file = fs.openSync(path, "w");
  let written = 0;
  let seq = 0;
  const kinds = ["event", "event", "event", "command", "heartbeat", "log"];
  while (written < bytes) {
    let block = "";
    for (let index = 0; index < 2000; index++) {
      seq++;
      const message = {
        kind: kinds[(seq * 7) % kinds.length],
        message_id: `01JF${String(seq).padStart(22, "0")}`,
        correlation_id: `c-${seq >> 2}`,
        task_id: "T-0042",
        from: { agent_type: "builder", agent_id: "builder-1" },
        event: "builder.progress",
        payload: { done: seq, files: ["src/duration.mjs"], text: `what happened in step ${seq >> 3}` },
        occurred_at: "2026-01-02T03:04:05.123456Z",
        seq,
        fence: 7,
      };
      block += `${JSON.stringify(message)}\n`;
    }
    written += fs.writeSync(file, block);
  }
  fs.closeSync(file);
  return seq;
}

/** Whole lines of a file, as fast as they can be had: `take` gets a buffer and where its lines are. */
function eachLine(path: string, take: (bytes: Buffer, start: number, end: number) => void): void {
  const file = fs.openSync(path, "r");
  const bytes = Buffer.allocUnsafeSlow(2 * CHUNK);
  let rest = 0;
  for (
    let count = fs.readSync(file, bytes, rest, CHUNK, null);
    count > 0;
    count = fs.readSync(file, bytes, rest, CHUNK, null)
  ) {
    const filled = rest + count;
    let start = 0;
    for (let end = bytes.indexOf(10); end !== -1 && end < filled; end = bytes.indexOf(10, start)) {
      take(bytes, start, end);
      start = end + 1;
    }
    bytes.copyWithin(0, start, filled);
    rest = filled - start;
  }
  fs.closeSync(file);
}

/** How often each kind was seen. */
class Kinds {
  readonly seen = new Map<string, number>();
  add(kind: unknown): void {
    const name = String(kind);
    this.seen.set(name, (this.seen.get(name) ?? 0) + 1);
  }
  sorted(): string {
    return [...this.seen]
      .map(([kind, count]) => `${kind} ${count}`)
      .toSorted()
      .join();
  }
}

/** What every candidate has to find: how many lines, and a sum that needs each of them parsed. */
class Sum {
  lines = 0;
  total = 0;
  add(message: unknown): void {
    if (!isMessage(message)) throw new TypeError("It is no message");
    this.lines++;
    this.total += message.seq + message.kind.length;
  }
}

async function addAll(messages: AsyncIterable<unknown>): Promise<Sum> {
  const sum = new Sum();
  for await (const message of messages) sum.add(message);
  return sum;
}

function replays(path: string): readonly Candidate[] {
  return [
    {
      subject: LIMIT,
      kind: "limit",
      run: () => {
        const sum = new Sum();
        eachLine(path, (bytes, start, end) => sum.add(JSON.parse(bytes.toString("utf8", start, end))));
        return sum;
      },
    },
    {
      subject: "readLog, exact: false",
      kind: "ours",
      run: async () => {
        const sum = new Sum();
        for await (const { record } of readLog(path, { exact: false })) sum.add(record);
        return sum;
      },
    },
    {
      subject: "readLog",
      kind: "ours",
      run: async () => {
        const sum = new Sum();
        for await (const { record } of readLog(path)) sum.add(record);
        return sum;
      },
    },
    {
      subject: "readLines, JSON.parse",
      kind: "ours",
      run: async () => {
        const sum = new Sum();
        for await (const { text } of readLines(path)) sum.add(JSON.parse(text));
        return sum;
      },
    },
    {
      subject: "readline",
      kind: "peer",
      run: async () => {
        const sum = new Sum();
        for await (const line of createInterface({ input: fs.createReadStream(path) }))
          sum.add(JSON.parse(line));
        return sum;
      },
    },
    {
      subject: "split2",
      kind: "peer",
      run: () => addAll(fs.createReadStream(path).pipe(split2(JSON.parse))),
    },
    { subject: "ndjson", kind: "peer", run: () => addAll(fs.createReadStream(path).pipe(ndjson.parse())) },
  ];
}

function scans(path: string): readonly Candidate[] {
  return [
    {
      subject: LIMIT,
      kind: "limit",
      run: () => {
        const kinds = new Kinds();
        eachLine(path, (bytes, start, end) => {
          const { kind }: Message = JSON.parse(bytes.toString("utf8", start, end));
          kinds.add(kind);
        });
        return kinds.sorted();
      },
    },
    {
      subject: "scanLog",
      kind: "ours",
      run: async () => {
        const kinds = new Kinds();
        for await (const lines of scanLog(path, { fields: ["kind"] })) {
          for (const { values } of lines) kinds.add(values[0]);
        }
        return kinds.sorted();
      },
    },
    {
      subject: "finding the line ends alone",
      kind: "limit",
      run: () => {
        let lines = 0;
        eachLine(path, () => lines++);
        return undefined;
      },
    },
  ];
}

const MEMORY = `
  import { readLog } from "@holdfast/ndjson";
  let total = 0;
  for await (const { record } of readLog(process.argv[1])) total += record.seq;
  console.log(JSON.stringify({ total, mib: process.resourceUsage().maxRSS / 1024 }));
`;

/** How large a process becomes at most that replays the file and does nothing else; with the package as it is installed, without a compiler beside it. */
function residentMemory(path: string, job: string): BenchmarkRow {
  const args = ["--input-type=module", "-e", MEMORY, path];
  const answer: { readonly mib: number } = JSON.parse(
    execFileSync(execPath, args, { cwd: import.meta.dirname, encoding: "utf8" }),
  );
  return {
    job: `${job}, memory`,
    subject: "readLog",
    kind: "ours",
    median: answer.mib,
    unit: "MiB resident",
    goal: "at most 160 MiB",
    met: answer.mib <= 160,
  };
}

/** Ratios are of speeds: the goal is a share of what the limit does. */
function rowsOf(job: string, size: number, measured: readonly Measured[], goal: number): BenchmarkRow[] {
  const [limit] = measured;
  if (limit === undefined) throw new Error("The limit is part of every run");
  return measured.map((one) => {
    const { subject, kind } = one;
    const ratio = pairedRatio(limit, one);
    const row = { job, subject, kind, median: size / one.median / 1000, unit: "MB/s", ratio };
    return kind === "ours" ? { ...row, goal: `at least ${goal} of the limit`, met: ratio >= goal } : row;
  });
}

export const benchmark: Benchmark = {
  name: "replay",
  async run({ quick }) {
    const folder = await mkdtemp(join(tmpdir(), "holdfast-bench-replay-"));
    try {
      // They are compared, and warmed up, over a small ledger: the large one takes each of them many seconds.
      const small = join(folder, "small.ndjson");
      writeLedger(small, 20_000_000);
      await assertSame(replays(small));
      await assertSame(scans(small));
      const path = join(folder, "ledger.ndjson");
      writeLedger(path, quick ? 40_000_000 : 1_000_000_000);
      const { size } = fs.statSync(path);
      const job = `replay ${quick ? "40 MB" : "1 GB"}`;
      const once = { rounds: 1, warmup: 0, isChecked: true };
      const often = { ...once, rounds: quick ? 5 : 3 };
      const all = replays(path);
      const peers = all.filter(({ kind }) => kind !== "ours");
      const rows = [
        ...rowsOf(
          job,
          size,
          await compareInTurn(
            all.filter(({ kind }) => kind !== "peer"),
            often,
          ),
          0.9,
        ),
        ...rowsOf(job, size, await compareInTurn(peers, once), 0.9).slice(1),
        ...rowsOf(`${job}, only the kind`, size, await compareInTurn(scans(path), often), 5),
        residentMemory(path, job),
      ];
      return { name: "replay", rows, environment: environment() };
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};
