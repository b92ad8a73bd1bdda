import * as fs from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { writeFileAtomic, writeFileAtomicSync } from "@holdfast/fsutil";
import { writeFile as atomically } from "atomically";
import { Writer } from "steno";
// @ts-expect-error it comes without types
import writeFileAtomicPeer from "write-file-atomic";
import {
  type Benchmark,
  type BenchmarkRow,
  type Candidate,
  compareInTurn,
  environment,
  pairedRatio,
} from "./harness.ts";

const LIMIT = "open, write, fsync, rename, fsync of the folder";
const PEER = "write-file-atomic";
const GOAL = "at most 1.3 of the limit";

/** What nobody can do with less: synchronous calls, no checks, no cleaning up. */
function byHand(path: string, text: string): void {
  const temporary = `${path}.tmp`;
  const file = fs.openSync(temporary, "wx", 0o600);
  fs.writeSync(file, text);
  fs.fsyncSync(file);
  fs.closeSync(file);
  fs.renameSync(temporary, path);
  const folder = fs.openSync(dirname(path), "r");
  fs.fsyncSync(folder);
  fs.closeSync(folder);
}

/** A JSON document of about so many bytes. */
function documentOf(bytes: number): string {
  const records: object[] = [];
  for (let index = 0; records.length * 100 < bytes; index++) {
    records.push({
      id: `agent_${String(index).padStart(6, "0")}`,
      wealth: index * 1.5,
      alive: index % 7 !== 0,
      tags: ["trader", "north"],
    });
  }
  return `${JSON.stringify({ turn: 12, agents: records })}\n`.padStart(bytes);
}

function candidates(folder: string, text: string): readonly Candidate[] {
  // Some leave unsynced work behind: it must not be the next one's to sync.
  const settle = () => byHand(join(folder, "settle"), "settle");
  const make = (subject: string, kind: Candidate["kind"], write: (path: string) => unknown): Candidate => {
    // A folder each, so that one's names do not lengthen the other's sync.
    const path = join(folder, subject.replaceAll(/\W+/gu, "-"), "document.json");
    fs.mkdirSync(dirname(path), { recursive: true });
    return {
      subject,
      kind,
      before: settle,
      run: () => write(path),
      result: () => fs.readFileSync(path, "utf8"),
    };
  };
  return [
    make(LIMIT, "limit", (path) => byHand(path, text)),
    make("writeFileAtomicSync", "ours", (path) => writeFileAtomicSync(path, text)),
    make("writeFileAtomic", "ours", (path) => writeFileAtomic(path, text)),
    make(PEER, "peer", (path) => writeFileAtomicPeer(path, text)),
    make("atomically", "peer", (path) => atomically(path, text)),
    make("steno", "peer", (path) => new Writer(path).write(text)),
  ];
}

const NOTES: Record<string, string> = {
  [PEER]: "does not sync the folder",
  atomically: "does not sync the folder",
  steno: "does not sync at all",
};

async function compare(folder: string, job: string, bytes: number, rounds: number): Promise<BenchmarkRow[]> {
  const text = documentOf(bytes);
  const measured = await compareInTurn(candidates(folder, text), {
    rounds,
    warmup: Math.max(3, Math.ceil(rounds / 10)),
  });
  const limit = measured.find(({ kind }) => kind === "limit");
  const peer = measured.find(({ subject }) => subject === PEER);
  if (limit === undefined || peer === undefined)
    throw new Error("The limit and the peer are part of every run");
  return measured.map((one) => {
    const { subject, kind, median } = one;
    const ratio = pairedRatio(one, limit);
    const row = { job, subject, kind, median, unit: "ms", ratio };
    if (kind !== "ours") return NOTES[subject] === undefined ? row : { ...row, note: NOTES[subject] };
    const faster = pairedRatio(peer, one);
    return {
      ...row,
      goal: `${GOAL}, faster than ${PEER}`,
      met: ratio <= 1.3 && faster > 1,
      note: `${faster.toFixed(2)} times as fast as ${PEER}`,
    };
  });
}

/** How much the process grows at most while it writes a document in pieces, against the document's size. */
async function streaming(folder: string, mebibytes: number): Promise<BenchmarkRow> {
  const piece = Buffer.alloc(64 * 1024, "a");
  const pieces = async function* () {
    for (let count = 0; count < mebibytes * 16; count++) yield piece;
  };
  const path = join(folder, "streamed.bin");
  globalThis.gc?.();
  const before = process.memoryUsage.rss();
  let peak = before;
  const watch = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss());
  }, 5);
  await writeFileAtomic(path, pieces());
  clearInterval(watch);
  peak = Math.max(peak, process.memoryUsage.rss());
  if (fs.statSync(path).size !== mebibytes * 1024 * 1024)
    throw new Error("The streamed file has another size");
  const grown = (peak - before) / 1024 ** 2;
  return {
    job: `stream ${mebibytes} MiB in pieces of 64 KiB`,
    subject: "writeFileAtomic",
    kind: "ours",
    median: grown,
    unit: "MiB grown",
    goal: "memory does not grow with the content: at most 32 MiB",
    met: grown <= 32,
  };
}

export const benchmark: Benchmark = {
  name: "atomic-write",
  async run({ quick }) {
    const folder = await mkdtemp(join(tmpdir(), "holdfast-bench-atomic-write-"));
    try {
      // First, while the process is as small as it ever is.
      const rows = [
        await streaming(folder, quick ? 64 : 512),
        ...(await compare(folder, "replace 1 KB", 1_000, quick ? 20 : 400)),
        ...(await compare(folder, "replace 100 KB", 100_000, quick ? 20 : 400)),
        ...(await compare(folder, "replace 10 MB", 10_000_000, quick ? 5 : 60)),
      ];
      return { name: "atomic-write", rows, environment: environment() };
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};
