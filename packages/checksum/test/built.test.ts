import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execPath } from "node:process";
import { temporaryFolder } from "@holdfast/test-kit";
import { describe, it } from "vitest";
import { checksumBytes } from "../src/checksum-bytes.ts";

const BYTES = 64 * 1024 * 1024;
const PACKAGE = join(import.meta.dirname, "..");

/** Hashes large files of zeros, which takes longer than threads take to start, and says how many threads were started and came up. */
const SCRIPT = `
  import { readdirSync } from "node:fs";
  import workerThreads from "node:worker_threads";
  import { syncBuiltinESMExports } from "node:module";
  let started = 0;
  let up = 0;
  workerThreads.Worker = class extends workerThreads.Worker {
    constructor(...given) { super(...given); started += 1; this.once("message", () => { up += 1; }); }
  };
  syncBuiltinESMExports();
  const { checksumFiles } = await import("./dist/index.js");
  const paths = readdirSync("files").map((name) => "files/" + name);
  const results = await checksumFiles(paths, { concurrency: 3 });
  const same = results.every(({ checksum }) => checksum === process.argv[2]);
  process.stdout.write(JSON.stringify({ same, count: results.length, started, up }));`;

describe("the built package", () => {
  it("hashes in worker threads, and without them where a bundler left the worker's file out", () => {
    using folder = temporaryFolder();
    const dist = folder.file("dist");
    execFileSync(
      execPath,
      [join(PACKAGE, "../../node_modules/tsup/dist/cli-default.js"), "--out-dir", dist, "--silent"],
      { cwd: PACKAGE },
    );
    assert.ok(readdirSync(dist).includes("hash-worker.js"));
    writeFileSync(folder.file("package.json"), '{ "type": "module" }');
    writeFileSync(folder.file("script.mjs"), SCRIPT);
    execFileSync("mkdir", [folder.file("files")]);
    for (let i = 0; i < 24; i += 1) {
      writeFileSync(folder.file(`files/${i}`), "");
      truncateSync(folder.file(`files/${i}`), BYTES);
    }
    const expected = checksumBytes(new Uint8Array(BYTES));
    const run = (): unknown =>
      JSON.parse(execFileSync(execPath, ["script.mjs", expected], { cwd: folder.path, encoding: "utf8" }));
    assert.deepEqual(run(), { same: true, count: 24, started: 2, up: 2 });
    rmSync(join(dist, "hash-worker.js"));
    assert.deepEqual(run(), { same: true, count: 24, started: 2, up: 0 });
  });
});
