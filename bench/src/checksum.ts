import { execFile, spawnSync } from "node:child_process";
import { createHash, hash } from "node:crypto";
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Worker } from "node:worker_threads";
import { checksumBytes, checksumFile, checksumFiles } from "@holdfast/checksum";
import { createSHA256 } from "hash-wasm";
import {
  type Benchmark,
  type BenchmarkRow,
  type Candidate,
  compareInTurn,
  environment,
  type Measured,
  pairedRatio,
} from "./harness.ts";

const MIB = 1024 * 1024;
const execFileAsync = promisify(execFile);
const SHA256SUM = "sha256sum";
const hasSha256sum = spawnSync(SHA256SUM, ["--version"]).status === 0;

/** Bytes that do not repeat within a piece. */
function noise(size: number, start: number): Buffer {
  const bytes = Buffer.alloc(size);
  let seed = start;
  for (let i = 0; i + 4 <= size; i += 4) {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) | 0;
    bytes.writeInt32LE(seed, i);
  }
  return bytes;
}

function rowsOf(
  job: string,
  measured: readonly Measured[],
  unit: string,
  factor: number,
  goal?: { text: string; most: number },
): BenchmarkRow[] {
  const limit = measured.find(({ kind }) => kind === "limit");
  if (limit === undefined) throw new Error(`"${job}" has no limit to compare with`);
  return measured.map((one) => {
    const ratio = pairedRatio(one, limit);
    const { subject, kind } = one;
    const judged = goal === undefined || kind !== "ours" ? {} : { goal: goal.text, met: ratio <= goal.most };
    return { job, subject, kind, median: one.median * factor, unit, ratio, ...judged };
  });
}

async function smallBuffers(quick: boolean): Promise<BenchmarkRow[]> {
  const rows: BenchmarkRow[] = [];
  const wasm = await createSHA256();
  for (const size of [64, 1024, 65_536]) {
    const bytes = noise(size, size);
    const calls = Math.ceil((quick ? 1e6 : 5e6) / (size + 500));
    const candidate = (
      subject: string,
      kind: Candidate["kind"],
      digest: (data: Buffer) => string,
    ): Candidate => ({
      subject,
      kind,
      run() {
        let last = "";
        for (let i = 0; i < calls; i += 1) last = digest(bytes);
        return last;
      },
    });
    const measured = await compareInTurn(
      [
        candidate("@holdfast/checksum checksumBytes", "ours", checksumBytes),
        candidate("hash-wasm", "peer", (data) => `sha256:${wasm.init().update(data).digest("hex")}`),
        candidate(
          "crypto.createHash",
          "peer",
          (data) => `sha256:${createHash("sha256").update(data).digest("hex")}`,
        ),
        candidate("crypto.hash", "limit", (data) => `sha256:${hash("sha256", data, "hex")}`),
      ],
      { rounds: quick ? 5 : 21, warmup: 3 },
    );
    rows.push(
      ...rowsOf(`${size} B in memory`, measured, "us/call", 1000 / calls, {
        text: "at most 1.2 times the limit",
        most: 1.2,
      }),
    );
  }
  return rows;
}

const buffer = Buffer.alloc(MIB);

/** Reads a file by synchronous calls, piece by piece. */
function readPieces(path: string, onPiece: (piece: Uint8Array) => void): void {
  const fd = openSync(path, "r");
  for (let count = readSync(fd, buffer); count > 0; count = readSync(fd, buffer))
    onPiece(buffer.subarray(0, count));
  closeSync(fd);
}

async function oneFile(folder: string, quick: boolean): Promise<BenchmarkRow[]> {
  const size = (quick ? 256 : 1024) * MIB;
  const path = join(folder, "large");
  const piece = noise(8 * MIB, 1);
  const fd = openSync(path, "w");
  for (let i = 0; i < size / piece.length; i += 1) {
    piece.writeInt32LE(i);
    writeSync(fd, piece);
  }
  closeSync(fd);
  const wasm = await createSHA256();
  const candidates: Candidate[] = [
    { subject: "@holdfast/checksum checksumFile", kind: "ours", run: () => checksumFile(path) },
    {
      subject: "hash-wasm, read loop",
      kind: "peer",
      run() {
        wasm.init();
        readPieces(path, (bytes) => wasm.update(bytes));
        return `sha256:${wasm.digest("hex")}`;
      },
    },
    {
      subject: "crypto, read loop (holds the thread)",
      kind: "limit",
      run() {
        const sha = createHash("sha256");
        readPieces(path, (bytes) => sha.update(bytes));
        return `sha256:${sha.digest("hex")}`;
      },
    },
  ];
  if (hasSha256sum) {
    candidates.push({
      subject: "sha256sum",
      kind: "peer",
      run: async () => `sha256:${(await execFileAsync(SHA256SUM, [path])).stdout.slice(0, 64)}`,
    });
  }
  const measured = await compareInTurn(candidates, { rounds: quick ? 3 : 7, warmup: 1 });
  rmSync(path);
  return rowsOf(`1 file, ${size / MIB} MiB`, measured, "ms", 1, {
    text: "at most 1.1 times the limit",
    most: 1.1,
  });
}

/** What somebody would write by hand for these files: one thread a core, each with its share, and the same look at the file before and after. */
const HAND_CODED = `
  const { parentPort, workerData } = require("node:worker_threads");
  const { hash } = require("node:crypto");
  const { closeSync, fstatSync, openSync, readSync } = require("node:fs");
  const buffer = Buffer.alloc(1024 * 1024);
  parentPort.postMessage(workerData.map((path) => {
    const fd = openSync(path, "r");
    const before = fstatSync(fd, { bigint: true });
    const count = readSync(fd, buffer, 0, buffer.length, 0);
    const after = fstatSync(fd, { bigint: true });
    closeSync(fd);
    if (after.size !== before.size || after.mtimeNs !== before.mtimeNs || after.ctimeNs !== before.ctimeNs) throw new Error("changed");
    return "sha256:" + hash("sha256", buffer.subarray(0, count), "hex");
  }));`;

async function handCoded(paths: readonly string[]): Promise<string> {
  const share = Math.ceil(paths.length / availableParallelism());
  const parts = Array.from({ length: availableParallelism() }, async (_, i) => {
    const workerData = paths.slice(i * share, (i + 1) * share);
    const worker = new Worker(HAND_CODED, { eval: true, workerData });
    const digests = await new Promise<string[]>((resolve, reject) =>
      worker.once("message", resolve).once("error", reject),
    );
    await worker.terminate();
    return digests;
  });
  return (await Promise.all(parts)).flat().join("\n");
}

async function manyFiles(folder: string, quick: boolean): Promise<BenchmarkRow[]> {
  const count = quick ? 4000 : 20_000;
  mkdirSync(join(folder, "many"));
  const paths = Array.from({ length: count }, (_, i) => join(folder, "many", `file-${i}`));
  for (const [i, path] of paths.entries()) writeFileSync(path, noise(2000 + ((i * 7919) % 16_000), i));
  const wasm = await createSHA256();
  const candidates: Candidate[] = [
    {
      subject: "@holdfast/checksum checksumFiles",
      kind: "ours",
      run: async () => (await checksumFiles(paths)).map(({ checksum }) => checksum).join("\n"),
    },
    {
      subject: "hash-wasm, read loop, one core",
      kind: "peer",
      run: () =>
        paths
          .map((path) => {
            wasm.init();
            readPieces(path, (bytes) => wasm.update(bytes));
            return `sha256:${wasm.digest("hex")}`;
          })
          .join("\n"),
    },
    { subject: "crypto, a thread a core", kind: "limit", run: () => handCoded(paths) },
  ];
  if (hasSha256sum) {
    const share = Math.ceil(count / availableParallelism());
    candidates.push({
      subject: "sha256sum, a process a core",
      kind: "peer",
      run: async () => {
        const parts = Array.from({ length: availableParallelism() }, async (_, i) => {
          const names = paths.slice(i * share, (i + 1) * share);
          const { stdout } = await execFileAsync(SHA256SUM, names, { maxBuffer: 256 * MIB });
          return stdout
            .trimEnd()
            .split("\n")
            .map((line) => `sha256:${line.slice(0, 64)}`);
        });
        return (await Promise.all(parts)).flat().join("\n");
      },
    });
  }
  const measured = await compareInTurn(candidates, { rounds: quick ? 5 : 9, warmup: 1 });
  return rowsOf(`${count} files, 10 KB each`, measured, "ms", 1, {
    text: "at most 1.25 times the limit",
    most: 1.25,
  });
}

export const benchmark: Benchmark = {
  name: "checksum",
  async run({ quick }) {
    const folder = mkdtempSync(join(tmpdir(), "holdfast-bench-checksum-"));
    try {
      const rows = [
        ...(await smallBuffers(quick)),
        ...(await oneFile(folder, quick)),
        ...(await manyFiles(folder, quick)),
      ];
      return { name: "checksum", rows, environment: environment() };
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};
