import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { temporaryFolder } from "@holdfast/test-kit";
import { describe, it, vi } from "vitest";
import { writeTree } from "../test/tree.ts";
import { hashPaths } from "./hash-paths.ts";

vi.mock(import("node:worker_threads"), async (original) => {
  const actual = await original();
  return { ...actual, Worker: vi.fn<typeof Worker>(actual.Worker) };
});

const sha256 = (data: string | Buffer) => `sha256:${createHash("sha256").update(data).digest("hex")}`;

/** More files than are hashed without threads, some larger than this thread takes. */
function manyFiles(root: string): { readonly paths: readonly string[]; readonly sums: readonly string[] } {
  const contents = Array.from({ length: 700 }, (_, n) => `${n}`.repeat(n));
  writeTree(root, Object.fromEntries(contents.map((content, n) => [`d${n % 7}/f${n}`, content])));
  const large = Buffer.alloc(5 * 1024 * 1024, "large");
  for (const n of [1, 2, 3]) writeFileSync(`${root}/large${n}`, large);
  return {
    paths: [...contents.map((_, n) => `d${n % 7}/f${n}`), "large1", "large2", "nowhere", "large3", "d1"],
    sums: [...contents.map(sha256), sha256(large), sha256(large), "vanished", sha256(large), "not-a-file"],
  };
}

async function sumsOf(root: string, paths: readonly string[]): Promise<string[]> {
  const found = await hashPaths(root, paths, {});
  return found.map((file) => ("failure" in file ? file.failure : file.sha256));
}

describe("HashPool", () => {
  it("hashes many files, small and large, and names those it cannot", async () => {
    using folder = temporaryFolder();
    const { paths, sums } = manyFiles(folder.path);
    assert.deepEqual(await sumsOf(folder.path, paths), sums);
    assert.ok(vi.mocked(Worker).mock.calls.length > 0);
  });

  it("hashes a few large files alone", async () => {
    using folder = temporaryFolder();
    const { sums } = manyFiles(folder.path);
    assert.deepEqual(await sumsOf(folder.path, ["large1"]), [sums[700]]);
    assert.deepEqual(await sumsOf(folder.path, []), []);
  });

  it("does the same where threads are not allowed", async () => {
    using folder = temporaryFolder();
    const { paths, sums } = manyFiles(folder.path);
    vi.mocked(Worker).mockImplementation(function refuse(): Worker {
      throw new Error("ERR_ACCESS_DENIED");
    });
    assert.deepEqual(await sumsOf(folder.path, paths), sums);
    vi.mocked(Worker).mockReset();
  });

  it("does the same when threads die, at once or at work", async () => {
    using folder = temporaryFolder();
    const { paths, sums } = manyFiles(folder.path);
    const { Worker: RealWorker } =
      await vi.importActual<typeof import("node:worker_threads")>("node:worker_threads");
    for (const delayMs of [0, 1, 25, 40]) {
      vi.mocked(Worker).mockImplementation(function dying(): Worker {
        const script = `setTimeout(() => { throw new Error("killed"); }, ${delayMs})`;
        return new RealWorker(script, { eval: true });
      });
      assert.deepEqual(await sumsOf(folder.path, paths), sums, `after ${delayMs} ms`);
    }
    vi.mocked(Worker).mockReset();
  });
});
