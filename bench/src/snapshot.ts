import { execFileSync, spawnSync } from "node:child_process";
import { hash } from "node:crypto";
import * as fs from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { execPath } from "node:process";
import { Worker } from "node:worker_threads";
import { type SnapshotManifest, takeSnapshot } from "@holdfast/snapshot";
import { fileStore } from "@holdfast/storage";
import {
  type Benchmark,
  type BenchmarkRow,
  type Candidate,
  compareInTurn,
  environment,
  type Measured,
  pairedRatio,
} from "./harness.ts";

const FILES_A_FOLDER = 40;
const hasGit = spawnSync("git", ["--version"]).status === 0;

/** Source-like files, most of them small, a few of them large. */
function makeTree(root: string, files: number, bytes: number): string[] {
  const noise = Buffer.alloc(1024 * 1024);
  for (let seed = 7, at = 0; at < noise.length; at += 4) {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) | 0;
    noise.writeInt32LE(seed, at);
  }
  const weights = Array.from({ length: files }, (_, n) => Math.exp((((n * 7_919) % 1_000) / 1_000) * 5));
  const scale = bytes / weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight, n) => {
    const module = Math.floor(n / FILES_A_FOLDER);
    const folder = join(root, `src/package${module % 20}/module${module}`);
    if (n % FILES_A_FOLDER === 0) fs.mkdirSync(folder, { recursive: true });
    const path = join(folder, `file-${n}.ts`);
    const start = (n * 131) % 500_000;
    const body = noise.subarray(start, start + Math.round(weight * scale));
    fs.writeFileSync(path, Buffer.concat([Buffer.from(`// ${n}\n`), body]));
    return path;
  });
}

/** Hashes files as the limit does: open, stat, read at once, stat again, close. The same text runs in threads. */
function hashShare(paths: readonly string[], next: Int32Array): (readonly [number, string])[] {
  const system = process.getBuiltinModule("node:fs");
  const crypto = process.getBuiltinModule("node:crypto");
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = system.constants;
  const buffer = Buffer.allocUnsafeSlow(1024 * 1024);
  const done: [number, string][] = [];
  for (let index = Atomics.add(next, 0, 1); index < paths.length; index = Atomics.add(next, 0, 1)) {
    const fd = system.openSync(paths[index] ?? "", O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    const before = system.fstatSync(fd, { bigint: true });
    const count = system.readSync(fd, buffer, 0, buffer.length, 0);
    const after = system.fstatSync(fd, { bigint: true });
    system.closeSync(fd);
    if (before.ctimeNs !== after.ctimeNs || BigInt(count) !== after.size) throw new Error("it changed");
    done.push([index, crypto.hash("sha256", buffer.subarray(0, count), "hex")]);
  }
  return done;
}

const THREAD = `
  const { parentPort, workerData } = require("node:worker_threads");
  parentPort.postMessage((${hashShare.toString()})(workerData.paths, workerData.next));
`;

/** The limit of a cold snapshot: the paths are known, nothing is walked, named or kept. */
async function hashOnAllCores(paths: readonly string[]): Promise<string[]> {
  const next = new Int32Array(new SharedArrayBuffer(4));
  const threads = Array.from({ length: availableParallelism() - 1 }, async () => {
    const worker = new Worker(THREAD, { eval: true, workerData: { paths, next } });
    return new Promise<[number, string][]>((resolve, reject) => {
      worker.once("message", resolve);
      worker.once("error", reject);
    });
  });
  // The threads get to start before this one is busy.
  await new Promise((resolve) => setImmediate(resolve));
  const own = hashShare(paths, next);
  const sums: string[] = [];
  for (const share of [own, ...(await Promise.all(threads))])
    for (const [index, sum] of share) sums[index] = sum;
  return sums;
}

/** The limit of an unchanged one: every name listed, every file looked at. */
function walk(folder: string): number {
  let files = 0;
  for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) files += walk(path);
    else {
      fs.lstatSync(path);
      files++;
    }
  }
  return files;
}

function git(root: string, ...args: string[]): string {
  const config = ["-c", "gc.auto=0", "-c", "core.excludesFile=/dev/null"];
  return execFileSync("git", ["-C", root, ...config, ...args], { encoding: "utf8", maxBuffer: 1e9 });
}

function freshRepository(root: string): void {
  fs.rmSync(join(root, ".git"), { recursive: true, force: true });
  git(root, "init", "-q");
}

function addAll(root: string): void {
  git(root, "add", "-A");
  git(root, "write-tree");
}

/** In a process of its own: it leaves a gigabyte behind, which somebody else would have to collect. */
function hashFolder(path: string): void {
  const entry = createRequire(import.meta.url).resolve("folder-hash");
  const script = "require(process.argv[1]).hashElement(process.argv[2], { algo: 'sha256', encoding: 'hex' })";
  execFileSync(execPath, ["-e", script, entry, path]);
}

function sumsOf({ files }: SnapshotManifest): string {
  return hash("sha256", files.map(({ sha256 }) => sha256.slice("sha256:".length)).join("\n"));
}

async function cold(root: string, paths: readonly string[], rounds: number): Promise<BenchmarkRow[]> {
  const job = `cold, ${paths.length} files`;
  let manifest: SnapshotManifest | undefined;
  const sorted = [...paths].toSorted();
  let sums: readonly string[] = [];
  const ours: Candidate = {
    subject: "takeSnapshot()",
    kind: "ours",
    run: async () => void (manifest = await takeSnapshot(root)),
    result: () => manifest && sumsOf(manifest),
  };
  const limit: Candidate = {
    subject: "read and SHA-256 on all cores",
    kind: "limit",
    run: async () => void (sums = await hashOnAllCores(sorted)),
    result: () => hash("sha256", sums.join("\n")),
  };
  const input = sorted.join("\n");
  const hashObject: Candidate = {
    subject: "git hash-object",
    kind: "peer",
    run: () => void execFileSync("git", ["hash-object", "--stdin-paths"], { input, maxBuffer: 1e9 }),
  };
  const folderHash: Candidate = {
    subject: "folder-hash (sha256)",
    kind: "peer",
    run: () => hashFolder(join(root, "src")),
  };
  const addAndWrite: Candidate = {
    subject: "git add -A, write-tree",
    kind: "peer",
    before: () => freshRepository(root),
    run: () => addAll(root),
  };
  // The slow ones apart, in fewer rounds: what they write and leave in memory would be on the others' account.
  const fast = await compareInTurn(hasGit ? [ours, limit, hashObject] : [ours, limit], { rounds, warmup: 4 });
  const slow = await compareInTurn(settled(hasGit ? [limit, folderHash, addAndWrite] : [limit, folderHash]), {
    rounds: Math.ceil(rounds / 5),
    warmup: 0,
  });
  const slowPeers = slow.filter(({ kind }) => kind === "peer");
  return [
    ...rowsOf(job, fast),
    ...rowsOf(job, [...slowPeers, find(slow, "limit")]).slice(0, slowPeers.length),
  ];
}

/** What one wrote is not on its way to the disk while the next one is measured. */
function settled(candidates: readonly Candidate[]): Candidate[] {
  return candidates.map((candidate) => ({
    ...candidate,
    before(round: number) {
      candidate.before?.(round);
      spawnSync("sync");
    },
  }));
}

/** Ratios are of speeds: the goal is a share of what the limit does. */
function rowsOf(job: string, measured: readonly Measured[]): BenchmarkRow[] {
  const limit = find(measured, "limit");
  const ours = measured.find(({ kind }) => kind === "ours");
  return measured.map((one) => {
    const { subject, kind } = one;
    const row = { job, subject, kind, median: one.median, unit: "ms", ratio: pairedRatio(limit, one) };
    if (one === ours) return { ...row, goal: "at least 0.8 of the limit", met: row.ratio >= 0.8 };
    if (ours === undefined || subject !== "git hash-object") return row;
    const times = pairedRatio(one, ours);
    const note = `takes ${times.toFixed(1)} times as long as takeSnapshot()`;
    return { ...row, goal: "takeSnapshot() at least twice as fast", met: times >= 2, note };
  });
}

async function unchanged(root: string, count: number, rounds: number): Promise<BenchmarkRow[]> {
  const job = `unchanged, ${count} files`;
  await using store = fileStore(join(root, ".holdfast"));
  if (hasGit) {
    freshRepository(root);
    fs.writeFileSync(join(root, ".gitignore"), ".holdfast\n");
    addAll(root);
  }
  const fresh = await takeSnapshot(root);
  const kept = await takeSnapshot(root, { store, contents: false });
  let manifest = kept;
  const same = () => {
    if (manifest.snapshot_id !== fresh.snapshot_id) throw new Error("another id");
    return sumsOf(manifest);
  };
  const candidates: Candidate[] = [
    {
      subject: "takeSnapshot(), cache from the store",
      kind: "ours",
      run: async () => void (manifest = await takeSnapshot(root, { store, contents: false })),
      result: same,
    },
    {
      subject: "takeSnapshot(), previous in memory",
      kind: "ours",
      run: async () => void (manifest = await takeSnapshot(root, { previous: kept })),
      result: same,
    },
    {
      subject: "takeSnapshot(), previous, and its files listed",
      kind: "ours",
      run: async () => {
        manifest = await takeSnapshot(root, { previous: kept });
        if (manifest.files.length !== count) throw new Error("files are missing");
      },
      result: same,
    },
    { subject: "walk with lstat", kind: "limit", run: () => void walk(join(root, "src")) },
  ];
  if (hasGit) {
    candidates.push(
      { subject: "git status", kind: "peer", run: () => void git(root, "status", "--porcelain") },
      { subject: "git add -A, write-tree", kind: "peer", run: () => addAll(root) },
    );
  }
  const measured = await compareInTurn(candidates, { rounds, warmup: 2 });
  const limit = find(measured, "limit");
  return measured.map((one) => {
    const ratio = pairedRatio(one, limit);
    const row = { job, subject: one.subject, kind: one.kind, median: one.median, unit: "ms", ratio };
    return one.kind === "ours" ? { ...row, goal: "at most 1.2 times the walk", met: ratio <= 1.2 } : row;
  });
}

function find(measured: readonly Measured[], kind: Candidate["kind"]): Measured {
  const found = measured.find((one) => one.kind === kind);
  if (found === undefined) throw new Error(`Nothing measured is ${kind}`);
  return found;
}

/** Snapshots of a source tree: with nothing known (its files are in the system's cache), and with nothing changed. */
export const benchmark: Benchmark = {
  name: "snapshot",
  async run({ quick }) {
    const [files, bytes, rounds] = quick ? [2_000, 20_000_000, 3] : [20_000, 200_000_000, 11];
    const root = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), "holdfast-bench-snapshot-")));
    try {
      const paths = makeTree(root, files, bytes);
      // What changed a moment ago would be read again.
      await new Promise((resolve) => setTimeout(resolve, 200));
      const rows = [...(await cold(root, paths, rounds)), ...(await unchanged(root, files, rounds))];
      return { name: "snapshot", rows, environment: environment() };
    } finally {
      fs.rmSync(root, { recursive: true, force: true });
    }
  },
};
