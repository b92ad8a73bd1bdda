import assert from "node:assert/strict";
import {
  appendFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { readFile } from "node:fs/promises";
import { temporaryFolder } from "@holdfast/test-kit";
import { describe, it } from "vitest";
import { checksumBytes } from "./checksum-bytes.ts";
import { checksumFiles } from "./checksum-files.ts";
import type { ChecksumError } from "./errors.ts";

/** Enough work for threads to be started: many small files and some larger ones. */
function writeTree(file: (name: string) => string, count: number): string[] {
  const paths: string[] = [];
  for (let i = 0; i < count; i += 1) {
    const path = file(`file-${i}`);
    writeFileSync(path, Buffer.alloc(i % 100 === 0 ? 3_000_000 + i : (i * 7919) % 5000, i % 251));
    utimesSync(path, 1_000_000, 1_000_000);
    paths.push(path);
  }
  return paths;
}

function threadCount(): number {
  return existsSync("/proc/self/task") ? readdirSync("/proc/self/task").length : 0;
}

describe("checksumFiles()", () => {
  it("gives what checksumBytes() gives, in order, on one thread and on several, and ends the threads", async () => {
    using folder = temporaryFolder();
    const paths = writeTree(folder.file, 1500);
    const expected = paths.map((path) => checksumBytes(readFileSync(path)));
    // The system's own pool of threads starts when it is first used.
    await Promise.all(paths.slice(0, 100).map((path) => readFile(path)));
    const before = threadCount();
    let during = 0;
    for (const concurrency of [1, 2, 5, undefined]) {
      const results = await checksumFiles(paths, {
        concurrency,
        onProgress: () => {
          during = Math.max(during, threadCount());
        },
      });
      assert.deepEqual(
        results.map(({ checksum }) => checksum),
        expected,
      );
      assert.deepEqual(
        results.map(({ path }) => path),
        paths,
      );
      if (concurrency === 1) assert.equal(during, before);
      if (concurrency === 5 && before > 0) assert.ok(during >= before + 4, "threads were used");
    }
    // A thread's end is seen by the system a moment later.
    for (let i = 0; i < 100 && threadCount() > before; i += 1)
      await new Promise((resolve) => setTimeout(resolve, 10));
    assert.equal(threadCount(), before);
  });

  it("gives an empty list for no files, and each of the same paths its result", async () => {
    using folder = temporaryFolder();
    writeFileSync(folder.file("a"), "abc");
    assert.deepEqual(await checksumFiles([]), []);
    const results = await checksumFiles([folder.file("a"), folder.file("a")]);
    assert.equal(results.length, 2);
    assert.equal(results[0]?.checksum, results[1]?.checksum);
    assert.equal(results[0]?.size, 3);
    assert.equal(typeof results[0]?.mtimeNs, "bigint");
  });

  it("rejects with the failure of a file, in this thread and in the others", async () => {
    using folder = temporaryFolder();
    const paths = writeTree(folder.file, 1200);
    await assert.rejects(checksumFiles([folder.file("missing")]), { code: "CHECKSUM_MISSING" });
    const missing = folder.file("missing");
    await assert.rejects(checksumFiles([...paths, missing]), (error: ChecksumError) => {
      assert.equal(error.name, "ChecksumError");
      assert.equal(error.code, "CHECKSUM_MISSING");
      assert.equal(error.path, missing);
      assert.ok(error.cause instanceof Error);
      assert.ok("code" in error.cause);
      assert.equal(error.cause.code, "ENOENT");
      return true;
    });
  });

  it("tells onError each failure once and gives the rest", async () => {
    using folder = temporaryFolder();
    const paths = writeTree(folder.file, 1200);
    const mixed = paths.flatMap((path, i) => (i % 3 === 0 ? [path, folder.file(`missing-${i}`)] : [path]));
    const failures: (string | undefined)[] = [];
    let last = { files: 0, bytes: 0 };
    const results = await checksumFiles(mixed, {
      onError: (error) => failures.push(error.path),
      onProgress: (progress) => {
        assert.ok(progress.files >= last.files && progress.bytes >= last.bytes);
        last = progress;
      },
    });
    assert.deepEqual(
      results.map(({ path }) => path),
      paths,
    );
    assert.deepEqual(new Set(failures), new Set(mixed.filter((path) => path.includes("missing"))));
    assert.equal(failures.length, mixed.length - paths.length);
    assert.equal(last.files, mixed.length);
    assert.equal(
      last.bytes,
      results.reduce((sum, { size }) => sum + size, 0),
    );
  });

  it("finds a file that changes while a thread reads it", async () => {
    using folder = temporaryFolder();
    const path = folder.file("growing");
    writeFileSync(path, "");
    truncateSync(path, 2 ** 29);
    const others = writeTree(folder.file, 300);
    const growing = setInterval(() => appendFileSync(path, "x"), 5);
    try {
      await assert.rejects(checksumFiles([...others, path]), { code: "CHECKSUM_FILE_CHANGED", path });
    } finally {
      clearInterval(growing);
    }
  });

  it("stops with the signal's reason, before and in the middle of large files", async () => {
    using folder = temporaryFolder();
    const reason = new Error("enough");
    await assert.rejects(checksumFiles([], { signal: AbortSignal.abort(reason) }), reason);
    const paths = Array.from({ length: 8 }, (_, i) => folder.file(`large-${i}`));
    for (const path of paths) {
      writeFileSync(path, "");
      truncateSync(path, 2 ** 29);
    }
    const controller = new AbortController();
    setTimeout(() => controller.abort(reason), 100);
    let bytes = 0;
    await assert.rejects(
      checksumFiles(paths, { signal: controller.signal, onProgress: (now) => (bytes = now.bytes) }),
      reason,
    );
    assert.ok(bytes < 8 * 2 ** 29);
  });

  it("rejects with what a callback throws", async () => {
    using folder = temporaryFolder();
    const paths = writeTree(folder.file, 600);
    const reason = new Error("from the caller");
    const fail = (): never => {
      throw reason;
    };
    await assert.rejects(checksumFiles(paths, { onProgress: fail }), reason);
    await assert.rejects(checksumFiles([...paths, folder.file("missing")], { onError: fail }), reason);
  });

  it("refuses a concurrency that is not a positive integer", async () => {
    for (const concurrency of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      await assert.rejects(checksumFiles([], { concurrency }), RangeError);
    }
  });
});
