import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { chmodSync, chownSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { memoryStore } from "@holdfast/storage";
import { temporaryFolder } from "@holdfast/test-kit";
import { describe, it } from "vitest";
import { type SnapshotWarning, snapshotIdOf, takeSnapshot } from "../src/index.ts";
import { writeTree } from "./tree.ts";

const isRoot = process.getuid?.() === 0;
const pathsOf = ({ files }: { files: readonly { path: string }[] }) => files.map(({ path }) => path);

const openDescriptors = () => readdirSync("/proc/self/fd").length;

async function takeWithWarnings(root: string, options: Parameters<typeof takeSnapshot>[1] = {}) {
  const warnings: SnapshotWarning[] = [];
  const manifest = await takeSnapshot(root, { ...options, onWarning: (warning) => warnings.push(warning) });
  return { manifest, skipped: warnings.map(({ path, reason }) => `${path} ${reason}`).toSorted() };
}

describe("what is no regular file", () => {
  it("is skipped and reported, and nothing hangs: symlink, FIFO, socket, device", async () => {
    using folder = temporaryFolder();
    writeTree(folder.path, { "src/a": "a", "outside/secret": "not to be read" });
    symlinkSync("/etc/passwd", folder.file("src/link"));
    symlinkSync("../outside", folder.file("src/linked-folder"));
    symlinkSync("loop", folder.file("src/loop"));
    symlinkSync("nowhere", folder.file("src/dangling"));
    execFileSync("mkfifo", [folder.file("src/fifo")]);
    const expected = ["dangling", "fifo", "link", "linked-folder", "loop"].map((name) =>
      name === "fifo" ? "src/fifo special" : `src/${name} symlink`,
    );
    const server = createServer().listen(folder.file("src/socket"));
    await new Promise((resolve) => server.once("listening", resolve));
    expected.push("src/socket special");
    if (isRoot && spawnSync("mknod", [folder.file("src/zero"), "c", "1", "5"]).status === 0) {
      expected.push("src/zero special");
    }
    const store = memoryStore();
    for (let n = 0; n < 2; n++) {
      const { manifest, skipped } = await takeWithWarnings(folder.path, { store });
      assert.deepEqual(pathsOf(manifest), ["src/a"]);
      assert.deepEqual(skipped, expected.toSorted());
      await new Promise((resolve) => setTimeout(resolve, 130));
    }
    server.close();
  });

  it("is not followed where an included folder, or an ignore file, is a symlink", async () => {
    using folder = temporaryFolder();
    writeTree(folder.path, { "real/a": "a", "docs/b.tmp": "b", rules: "*.tmp" });
    symlinkSync("real", folder.file("src"));
    symlinkSync("../rules", folder.file("docs/.holdfastignore"));
    const { manifest, skipped } = await takeWithWarnings(folder.path);
    assert.deepEqual(pathsOf(manifest), ["docs/b.tmp"]);
    assert.deepEqual(skipped, ["docs/.holdfastignore symlink", "src symlink"]);
  });

  it("is a name that is not UTF-8: skipped, reported, and not taken for another one", async () => {
    using folder = temporaryFolder();
    writeTree(folder.path, { "src/a": "a", "src/\uFFFD": "a name that holds the replacement character" });
    const invalid = Buffer.concat([Buffer.from(folder.file("src/")), Buffer.from([0xff]), Buffer.from("x")]);
    writeFileSync(invalid, "lost");
    const lookalike = Buffer.concat([Buffer.from(folder.file("src/")), Buffer.from([0xff])]);
    writeFileSync(lookalike, "reads as U+FFFD too");
    const { manifest, skipped } = await takeWithWarnings(folder.path);
    assert.deepEqual(pathsOf(manifest), ["src/a", "src/\uFFFD"]);
    assert.equal(manifest.files[1]?.size, 43);
    assert.deepEqual(skipped, ["src/\\xff not-utf8", "src/\\xffx not-utf8"]);
  });
});

describe("a tree that changes while it is walked", () => {
  it("never gives a manifest of what lies outside, while a folder is swapped for a symlink and back", async () => {
    using folder = temporaryFolder();
    const inside = Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`src/d/e/${n}`, `inside ${n}`]));
    writeTree(folder.file("workspace"), inside);
    const secret = Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`e/${n}`, `secret ${n}`]));
    writeTree(folder.file("outside"), secret);
    const honest = await takeSnapshot(folder.file("workspace"));
    const known = new Set(honest.files.map(({ sha256 }) => sha256));
    const swapper = spawn(
      process.execPath,
      ["-e", SWAPPER, folder.file("workspace/src/d"), folder.file("outside")],
      {
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    try {
      await new Promise((resolve) => swapper.stdout.once("data", resolve));
      const store = memoryStore();
      const outcomes = new Map<string, number>();
      for (let n = 0; n < 40; n++) {
        const options = n % 2 === 0 ? {} : { store };
        const outcome = await takeSnapshot(folder.file("workspace"), options).then(
          ({ files }) => {
            for (const { sha256 } of files) assert.ok(known.has(sha256), "a content from outside");
            return files.length === 300 || files.length === 0 ? "whole" : "part";
          },
          (error: { code: string }) => error.code,
        );
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      }
      for (const outcome of outcomes.keys()) {
        assert.ok(
          ["whole", "SNAPSHOT_VANISHED"].includes(outcome),
          `${outcome}: ${JSON.stringify([...outcomes])}`,
        );
      }
    } finally {
      const ended = new Promise((resolve) => swapper.once("exit", resolve));
      swapper.kill("SIGKILL");
      await ended;
    }
  });

  it("names the file that keeps changing, or skips it with a warning", async () => {
    using folder = temporaryFolder();
    writeTree(folder.path, { "src/a": "a", "src/b": Buffer.alloc(24 * 1024 * 1024) });
    const writer = spawn(process.execPath, ["-e", WRITER, folder.file("src/b")], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    try {
      await new Promise((resolve) => writer.stdout.once("data", resolve));
      await assert.rejects(takeSnapshot(folder.path), { code: "SNAPSHOT_CHANGED", path: "src/b" });
      const { manifest, skipped } = await takeWithWarnings(folder.path, { onProblem: "skip" });
      assert.deepEqual(pathsOf(manifest), ["src/a"]);
      assert.equal(manifest.snapshot_id, snapshotIdOf(manifest.files));
      assert.deepEqual(skipped, ["src/b changed"]);
    } finally {
      const ended = new Promise((resolve) => writer.once("exit", resolve));
      writer.kill("SIGKILL");
      await ended;
    }
  });

  it("never mixes two states of one file, whatever it is rewritten with", async () => {
    using folder = temporaryFolder();
    let seen = 0;
    const states = ["a", "b"].map((letter) => letter.repeat(3_000_000));
    writeTree(folder.path, { "src/file": states[0] ?? "" });
    const allowed = new Set<string>();
    for (const state of states) {
      writeFileSync(folder.file("src/file"), state);
      allowed.add((await takeSnapshot(folder.path)).files[0]?.sha256 ?? "");
    }
    const writer = spawn(process.execPath, ["-e", REWRITER, folder.file("src/file")], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    try {
      await new Promise((resolve) => writer.stdout.once("data", resolve));
      for (let n = 0; n < 15; n++) {
        const [file] = (await takeSnapshot(folder.path, { onProblem: "skip" })).files;
        if (file === undefined) continue;
        seen++;
        assert.ok(allowed.has(file.sha256), `a mixed state of ${file.size} bytes`);
      }
    } finally {
      const ended = new Promise((resolve) => writer.once("exit", resolve));
      writer.kill("SIGKILL");
      await ended;
    }
    assert.ok(seen > 0, "the file was never left alone for long enough");
  });

  it("names a file that vanishes between being listed and being read", async () => {
    using folder = temporaryFolder();
    writeTree(folder.path, { "src/a": "a", "src/b": "b" });
    symlinkSync("a", folder.file("src/z"));
    // The symlink is reported when the names of the folder are known, and no file of it has been read.
    const onWarning = () => rmSync(folder.file("src/a"), { force: true });
    await assert.rejects(takeSnapshot(folder.path, { onWarning }), {
      code: "SNAPSHOT_VANISHED",
      path: "src/a",
    });
    assert.deepEqual(pathsOf(await takeSnapshot(folder.path)), ["src/b"]);
  });
});

describe("what cannot be read", () => {
  it.runIf(isRoot)(
    "is an error that names it, or is skipped with a warning, for a user without permission",
    async () => {
      using folder = temporaryFolder();
      writeTree(folder.path, {
        "src/a": "a",
        "src/private/x": "x",
        "src/secret": "s",
        "docs/list-only/y": "y",
      });
      chmodSync(folder.path, 0o755);
      chmodSync(folder.file("src/private"), 0o700);
      chmodSync(folder.file("src/secret"), 0o600);
      chmodSync(folder.file("docs/list-only"), 0o744);
      const [taken, failed] = takeAs(65_534, folder.path);
      assert.deepEqual(taken, {
        paths: ["src/a"],
        skipped: ["docs/list-only/y unreadable", "src/private unreadable", "src/secret unreadable"],
      });
      assert.deepEqual(failed, { code: "SNAPSHOT_UNREADABLE", path: "src/private" });
    },
  );

  it.runIf(isRoot)("does not matter to the id: another user who can read it gets the same one", async () => {
    using folder = temporaryFolder();
    writeTree(folder.path, {
      "src/a": { content: "a", mode: 0o644 },
      "src/b/c": { content: "c", mode: 0o644 },
    });
    chmodSync(folder.path, 0o755);
    const { snapshot_id: id } = await takeSnapshot(folder.path);
    const asNobody = () =>
      run(65_534, `console.log((await takeSnapshot(${JSON.stringify(folder.path)})).snapshot_id)`);
    assert.equal(asNobody(), id);
    for (const path of ["src", "src/a", "src/b", "src/b/c"]) chownSync(folder.file(path), 65_534, 65_534);
    assert.equal((await takeSnapshot(folder.path)).snapshot_id, id);
    assert.equal(asNobody(), id);
  });
});

describe("few descriptors", () => {
  it("are enough for many files in many folders, deep and wide", async () => {
    using folder = temporaryFolder();
    const deep = `src/${"d/".repeat(150)}`;
    const tree = Object.fromEntries(
      Array.from({ length: 900 }, (_, n) => [n % 3 === 0 ? `${deep}${n}` : `src/w${n % 200}/${n}`, `${n}`]),
    );
    writeTree(folder.path, tree);
    const script = `
      const { snapshotStore, restoreSnapshot, verifySnapshot } = await import(${JSON.stringify(join(import.meta.dirname, "../src/index.ts"))});
      const { fileStore } = await import("@holdfast/storage");
      await using store = fileStore(${JSON.stringify(folder.file("store"))});
      const { snapshot_id, files } = await takeSnapshot(${JSON.stringify(folder.path)}, { store });
      await restoreSnapshot(snapshot_id, ${JSON.stringify(folder.file("restored"))}, { store });
      const { ok } = await verifySnapshot(snapshot_id, { store, dir: ${JSON.stringify(folder.file("restored"))} });
      console.log(snapshot_id, files.length, ok);`;
    const limited = spawnSync(
      "sh",
      ["-c", 'ulimit -n 64; exec "$0" "$@"', process.execPath, ...program(script)],
      {
        encoding: "utf8",
        cwd: join(import.meta.dirname, ".."),
      },
    );
    assert.equal(limited.stderr, "");
    const { snapshot_id: id } = await takeSnapshot(folder.path);
    assert.equal(limited.stdout, `${id} 900 true\n`);
  });

  it("are all given back, also by a snapshot that fails or is stopped", async () => {
    using folder = temporaryFolder();
    writeTree(
      folder.path,
      Object.fromEntries(Array.from({ length: 600 }, (_, n) => [`src/${n % 9}/${n}`, `${n}`])),
    );
    symlinkSync("nowhere", folder.file("src/8/z"));
    await takeSnapshot(folder.path);
    const before = openDescriptors();
    for (let n = 0; n < 3; n++) {
      await takeSnapshot(folder.path, { store: memoryStore() });
      const onWarning = () => rmSync(folder.file("src/8/8"));
      await assert.rejects(takeSnapshot(folder.path, { onWarning }), { code: "SNAPSHOT_VANISHED" });
      writeFileSync(folder.file("src/8/8"), "8");
      await takeSnapshot(folder.path, { signal: AbortSignal.timeout(n * 10) }).catch(() => undefined);
    }
    assert.equal(openDescriptors(), before);
  });
});

/** Swaps a folder for a symlink to another, and back, as fast as it can. */
const SWAPPER = `
  const fs = require("node:fs");
  const [, folder, outside] = process.argv;
  console.log("ready");
  for (;;) {
    fs.renameSync(folder, folder + ".moved");
    fs.symlinkSync(outside, folder);
    fs.unlinkSync(folder);
    fs.renameSync(folder + ".moved", folder);
  }`;

const WRITER = `
  const fs = require("node:fs");
  const fd = fs.openSync(process.argv[1], "r+");
  console.log("ready");
  for (let n = 0; ; n++) { fs.writeSync(fd, "x" + n, (n * 4099) % 24000000); }`;

/** Replaces a content in place by another, in pieces, with pauses in which the file is whole. */
const REWRITER = `
  const fs = require("node:fs");
  const fd = fs.openSync(process.argv[1], "r+");
  const pause = new Int32Array(new SharedArrayBuffer(4));
  console.log("ready");
  for (let n = 0; ; n++) {
    const piece = Buffer.alloc(300000, n % 2 === 0 ? "a" : "b");
    for (let at = 0; at < 3000000; at += piece.length) fs.writeSync(fd, piece, 0, piece.length, at);
    Atomics.wait(pause, 0, 0, 40);
  }`;

function program(script: string): string[] {
  const entry = JSON.stringify(join(import.meta.dirname, "../src/index.ts"));
  const text = `const { takeSnapshot } = await import(${entry});${script}`;
  return ["--conditions=holdfast-source", "--no-warnings", "--input-type=module", "-e", text];
}

function run(uid: number, script: string): string {
  const options = { uid, gid: uid, encoding: "utf8", cwd: join(import.meta.dirname, ".."), env: {} } as const;
  return execFileSync(process.execPath, program(script), options).trim();
}

function takeAs(uid: number, root: string): unknown[] {
  const at = JSON.stringify(root);
  const output = run(
    uid,
    `const skipped = [];
    const options = { onProblem: "skip", onWarning: ({ path, reason }) => skipped.push(path + " " + reason) };
    const { files } = await takeSnapshot(${at}, options);
    console.log(JSON.stringify({ paths: files.map(({ path }) => path), skipped: skipped.sort() }));
    await takeSnapshot(${at}, { include: ["src"] }).catch(({ code, path }) => console.log(JSON.stringify({ code, path })));`,
  );
  return output.split("\n").map((line): unknown => JSON.parse(line));
}
