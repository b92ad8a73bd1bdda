import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { nodeFileSystem } from "@holdfast/fsutil";
import { faultyFileSystem } from "@holdfast/fsutil/faults";
import { fileStore, memoryStore } from "@holdfast/storage";
import { temporaryFolder } from "@holdfast/test-kit";
import * as fc from "fast-check";
import { describe, it } from "vitest";
import {
  restoreSnapshot,
  type SnapshotConflictError,
  type SnapshotManifest,
  snapshotIdOf,
  snapshotStore,
  takeSnapshot,
  verifySnapshot,
} from "../src/index.ts";
import { readTree, writeTree } from "./tree.ts";

/** Few files: each call of their restore is one process that is killed. */
const SMALL = {
  "src/a.ts": { content: "one", mode: 0o755 },
  "src/deep/b.ts": { content: "two", mode: 0o600 },
};
const TREE = {
  "src/a.ts": { content: "one", mode: 0o755 },
  "src/deep/er/b.ts": { content: "two", mode: 0o600 },
  "docs/c.md": { content: "", mode: 0o444 },
  "tests/same as a": { content: "one", mode: 0o640 },
};

const filesOf = (tree: object) => Object.entries(tree).filter(([, value]) => value !== "folder");

async function taken(workspace: string, tree: Parameters<typeof writeTree>[1] = TREE) {
  writeTree(workspace, tree);
  const store = memoryStore();
  return { store, manifest: await takeSnapshot(workspace, { store }) };
}

function forged(
  paths: readonly string[],
  over: Partial<SnapshotManifest["files"][number]> = {},
): SnapshotManifest {
  const file = { sha256: `sha256:${"0".repeat(64)}`, size: 1, mtime: "2026-01-02T03:04:05.123456Z", ...over };
  const files = paths.map((path) => ({ ...file, path }));
  const times = {
    created_at: file.mtime,
    workspace_root: "./",
    schema: "holdfast/snapshot-manifest/v1",
  } as const;
  return { ...times, snapshot_id: snapshotIdOf(files), files };
}

describe("restoreSnapshot()", () => {
  it("gives the same bytes, modes and nothing else", async () => {
    using folder = temporaryFolder();
    const { store, manifest } = await taken(folder.file("one"));
    const result = await restoreSnapshot(manifest.snapshot_id, folder.file("new/two"), { store });
    assert.deepEqual(readTree(folder.file("new/two")), readTree(folder.file("one")));
    assert.deepEqual(
      result.written,
      manifest.files.map(({ path }) => path),
    );
    assert.equal((await takeSnapshot(folder.file("new/two"))).snapshot_id, manifest.snapshot_id);
    const again = await restoreSnapshot(manifest, folder.file("new/two"), { store });
    assert.deepEqual([again.written, again.modes, again.unchanged], [[], [], 4]);
  });

  it("snapshot, change, restore: any tree comes back as it was", async () => {
    const name = fc.constantFrom("a", "b", "c.ts", "D", "e f", "\u{1F600}");
    const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((parts) => `src/${parts.join("/")}`);
    const entry = fc.record({
      content: fc.string({ maxLength: 20 }),
      mode: fc.constantFrom(0o644, 0o755, 0o600),
    });
    const tree = fc.dictionary(path, entry, { maxKeys: 8 }).map((entries) => {
      const paths = Object.keys(entries);
      const leaves = paths.filter((leaf) => !paths.some((other) => other.startsWith(`${leaf}/`)));
      return Object.fromEntries(leaves.map((leaf) => [leaf, entries[leaf] ?? ""]));
    });
    await fc.assert(
      fc.asyncProperty(tree, tree, async (before, after) => {
        using folder = temporaryFolder();
        const { store, manifest } = await taken(folder.file("w"), before);
        const was = readTree(folder.file("w"));
        rmSync(folder.file("w"), { recursive: true });
        writeTree(folder.file("w"), after);
        const changed = await takeSnapshot(folder.file("w"), { store });
        const restored = await restoreSnapshot(manifest, folder.file("w"), {
          store,
          force: true,
          clean: true,
        }).catch((error: SnapshotConflictError) => error);
        if (restored instanceof Error) {
          // Only a folder with files in it may stand in the way of a file.
          assert.equal(restored.code, "SNAPSHOT_CONFLICT");
          assert.ok(restored.conflicts.every(({ path: at, reason }) => reason === "folder" && at in before));
          assert.equal((await takeSnapshot(folder.file("w"))).snapshot_id, changed.snapshot_id);
          return;
        }
        assert.deepEqual(filesOf(readTree(folder.file("w"))), filesOf(was));
        const madeRoom = (at: string) => Object.keys(before).some((leaf) => leaf.startsWith(`${at}/`));
        const others = changed.files
          .map(({ path: at }) => at)
          .filter((at) => !(at in before) && !madeRoom(at));
        assert.deepEqual(restored.removed, others);
      }),
      { numRuns: 40 },
    );
  });

  it("refuses to overwrite changes, names them all and writes nothing; force overwrites them", async () => {
    using folder = temporaryFolder();
    const { store, manifest } = await taken(folder.file("w"));
    writeFileSync(folder.file("w/src/a.ts"), "changed");
    rmSync(folder.file("w/docs"), { recursive: true });
    writeFileSync(folder.file("w/docs"), "a file where a folder belongs");
    rmSync(folder.file("w/tests/same as a"));
    symlinkSync("/etc/passwd", folder.file("w/tests/same as a"));
    writeFileSync(folder.file("w/src/mine"), "extra");
    const before = readTree(folder.file("w"));
    const dry = await restoreSnapshot(manifest, folder.file("w"), { store, dryRun: true });
    const conflicts = [
      { path: "docs", reason: "not-a-folder" },
      { path: "src/a.ts", reason: "changed" },
      { path: "tests/same as a", reason: "not-a-file" },
    ];
    assert.deepEqual(dry.conflicts, conflicts);
    assert.deepEqual(dry.written, ["docs/c.md", "src/a.ts", "tests/same as a"]);
    await assert.rejects(restoreSnapshot(manifest, folder.file("w"), { store }), {
      code: "SNAPSHOT_CONFLICT",
      conflicts,
    });
    assert.deepEqual(readTree(folder.file("w")), before);

    const result = await restoreSnapshot(manifest, folder.file("w"), { store, force: true });
    assert.deepEqual(result.extra, ["src/mine"]);
    assert.equal(readFileSync(folder.file("w/src/mine"), "utf8"), "extra");
    assert.ok((await verifySnapshot(manifest, { dir: folder.file("w") })).extra.includes("src/mine"));
    const cleaned = await restoreSnapshot(manifest, folder.file("w"), { store, clean: true });
    assert.deepEqual(cleaned.removed, ["src/mine"]);
    assert.equal((await takeSnapshot(folder.file("w"))).snapshot_id, manifest.snapshot_id);
    assert.match(readFileSync("/etc/passwd", "utf8"), /root/);
  });

  it("never removes a folder that stands where a file belongs, also with force", async () => {
    using folder = temporaryFolder();
    const { store, manifest } = await taken(folder.file("w"));
    rmSync(folder.file("w/src/a.ts"));
    writeTree(folder.file("w/src/a.ts"), { precious: "x" });
    for (const force of [false, true]) {
      await assert.rejects(restoreSnapshot(manifest, folder.file("w"), { store, force, clean: true }), {
        code: "SNAPSHOT_CONFLICT",
        path: "src/a.ts",
      });
    }
    assert.equal(readFileSync(folder.file("w/src/a.ts/precious"), "utf8"), "x");
  });

  it("mends permission bits without writing the content again", async () => {
    using folder = temporaryFolder();
    const { store, manifest } = await taken(folder.file("w"));
    chmodSync(folder.file("w/src/a.ts"), 0o600);
    const { ino } = statSync(folder.file("w/src/a.ts"));
    const result = await restoreSnapshot(manifest, folder.file("w"), { store });
    assert.deepEqual([result.written, result.modes], [[], ["src/a.ts"]]);
    assert.deepEqual(
      [statSync(folder.file("w/src/a.ts")).mode & 0o777, statSync(folder.file("w/src/a.ts")).ino],
      [0o755, ino],
    );
  });

  it.each([
    ["..", ["../x"]],
    [".. in the middle", ["src/../../x"]],
    ["an absolute path", ["/tmp/x"]],
    ["NUL", ["src/a\0b"]],
    ["an empty part", ["src//a"]],
    ["a dot", ["./a"]],
    ["a slash at the end", ["src/"]],
    ["half of a surrogate pair", ["src/\ud800"]],
    ["version control", [".git/hooks/post-checkout"]],
    ["version control in other letters", ["src/.GIT/config"]],
    ["the store", [".holdfast/store.json"]],
    ["names equal after folding case", ["src/README", "src/readme"]],
    ["folders equal after folding case", ["Src/a", "src/b"]],
    ["names equal after folding sharp s", ["src/STRASSE", "src/stra\u00dfe"]],
    ["names equal after folding Unicode forms", ["src/\u00e9", "src/e\u0301"]],
    ["a file that is also a folder", ["src/a", "src/a/b"]],
  ])("refuses %s before anything is written", async (_, paths) => {
    using folder = temporaryFolder();
    const store = memoryStore();
    const { checksum } = await store.objects.put(Buffer.from("x"));
    let manifest: SnapshotManifest;
    try {
      manifest = forged(["ok", ...paths].toSorted(), { sha256: checksum });
    } catch {
      // Half of a surrogate pair has no id at all.
      manifest = {
        ...forged(["ok"]),
        files: paths.map((path) => ({ ...forged(["ok"]).files[0], path })) as never,
      };
    }
    await assert.rejects(
      restoreSnapshot(manifest, folder.file("w"), { store, force: true }),
      (error: { code: string }) => ["SNAPSHOT_UNSAFE_PATH", "SNAPSHOT_DAMAGED"].includes(error.code),
    );
    assert.ok(!existsSync(folder.file("w")));
    assert.ok(!existsSync(folder.file("x")));
  });

  it("restores names that only differ in case where that is allowed", async () => {
    using folder = temporaryFolder();
    const { store, manifest } = await taken(folder.file("w"), { "src/README": "1", "src/readme": "2" });
    await restoreSnapshot(manifest, folder.file("two"), { store, allowFolded: true });
    assert.deepEqual(readTree(folder.file("two")), readTree(folder.file("w")));
  });

  it("refuses before anything is written when a content is missing or damaged", async () => {
    using folder = temporaryFolder();
    writeTree(folder.file("w"), TREE);
    await using store = fileStore(folder.file("store"));
    const manifest = await takeSnapshot(folder.file("w"), { store });
    const sum = manifest.files.find(({ path }) => path === "src/deep/er/b.ts")?.sha256.slice(7) ?? "";
    const object = folder.file(`store/objects/${sum.slice(0, 2)}/${sum.slice(2)}`);
    writeFileSync(object, "TWO");
    const report = await verifySnapshot(manifest.snapshot_id, { store });
    assert.deepEqual(
      report.contents.map(({ paths, problem }) => [paths, problem]),
      [[["src/deep/er/b.ts"], "damaged"]],
    );
    assert.match(report.contents[0]?.message ?? "", new RegExp(sum.slice(2)));
    for (const damage of [() => undefined, () => rmSync(object)]) {
      damage();
      await assert.rejects(restoreSnapshot(manifest.snapshot_id, folder.file("two"), { store }), {
        code: "SNAPSHOT_CONTENT",
        path: "src/deep/er/b.ts",
      });
      assert.ok(!existsSync(folder.file("two")));
    }
  });

  it("does not overwrite what is changed between the look and the write", async () => {
    using folder = temporaryFolder();
    const { store, manifest } = await taken(folder.file("w"));
    const fileSystem = faultyFileSystem(nodeFileSystem, {
      beforeCall({ operation, path }) {
        // Somebody makes the file right before the restore gives its own the name.
        if (operation === "rename" && path.endsWith("/a.ts") && !existsSync(folder.file("two/src/a.ts"))) {
          writeFileSync(folder.file("two/src/a.ts"), "somebody else's");
        }
      },
    });
    const racing = restoreSnapshot(manifest, folder.file("two"), { store, fileSystem });
    // The check comes right before the rename; a file that is made earlier is found.
    await racing.catch(() => undefined);
    rmSync(folder.file("two"), { recursive: true });
    const early = faultyFileSystem(nodeFileSystem, {
      beforeCall({ operation, path }) {
        if (operation === "sync" && path.includes("a.ts"))
          writeFileSync(folder.file("two/src/a.ts"), "somebody else's");
      },
    });
    await assert.rejects(restoreSnapshot(manifest, folder.file("two"), { store, fileSystem: early }), {
      code: "SNAPSHOT_CONFLICT",
      path: "src/a.ts",
    });
    assert.equal(readFileSync(folder.file("two/src/a.ts"), "utf8"), "somebody else's");
  });

  it("writes nothing through a folder that is swapped for a symlink meanwhile", async () => {
    using folder = temporaryFolder();
    const { store, manifest } = await taken(folder.file("w"));
    for (const moment of ["open", "write", "sync", "rename", "syncDirectory", "mkdir"]) {
      writeTree(folder.file("outside"), { keep: "x" });
      mkdirSync(folder.file("two/src/deep"), { recursive: true });
      let swapped = false;
      const fileSystem = faultyFileSystem(nodeFileSystem, {
        beforeCall({ operation }) {
          if (operation !== moment || swapped) return;
          swapped = true;
          renameSync(folder.file("two/src"), folder.file("two/moved"));
          symlinkSync(folder.file("outside"), folder.file("two/src"));
        },
      });
      await restoreSnapshot(manifest, folder.file("two"), { store, fileSystem }).catch(
        (error: { code: string }) =>
          assert.ok(["SNAPSHOT_VANISHED", "SNAPSHOT_IO"].includes(error.code), error.code),
      );
      assert.ok(swapped, moment);
      assert.deepEqual(Object.keys(readTree(folder.file("outside"))), ["keep"], moment);
      assert.equal(readlinkSync(folder.file("two/src")), folder.file("outside"));
      rmSync(folder.file("two"), { recursive: true });
    }
  });

  it("leaves old or new when any call fails, once or from then on, and a second restore completes it", async () => {
    using folder = temporaryFolder();
    const { store, manifest } = await taken(folder.file("w"));
    writeTree(folder.file("two"), { "src/a.ts": { content: "old", mode: 0o644 }, "src/extra": "x" });
    const whole = new Set(
      [...Object.entries(readTree(folder.file("w"))), ...Object.entries(readTree(folder.file("two")))].map(
        String,
      ),
    );
    for (const lasting of [false, true]) {
      for (let at = 1; ; at++) {
        const disk = faultyFileSystem(nodeFileSystem, {
          at,
          lasting,
          errno: at % 2 === 0 ? "ENOSPC" : "EIO",
        });
        const options = { store, force: true, clean: true };
        const outcome = await restoreSnapshot(manifest, folder.file("two"), {
          ...options,
          fileSystem: disk,
        }).then(
          () => "done",
          (error: { code: string }) => error.code,
        );
        assert.equal(disk.openFiles, 0);
        for (const entry of Object.entries(readTree(folder.file("two")))) {
          if (!entry[0].includes(".tmp.")) assert.ok(whole.has(String(entry)), `${at}: ${entry[0]} is half`);
        }
        if (disk.injected > 0) assert.equal(outcome, "SNAPSHOT_IO", `call ${at} failed and was not reported`);
        await restoreSnapshot(manifest, folder.file("two"), options);
        assert.equal((await takeSnapshot(folder.file("two"))).snapshot_id, manifest.snapshot_id);
        if (disk.injected === 0) break;
        rmSync(folder.file("two"), { recursive: true });
        writeTree(folder.file("two"), { "src/a.ts": { content: "old", mode: 0o644 }, "src/extra": "x" });
      }
    }
  });

  it("makes durable what a restore that was killed had left in place", async () => {
    using folder = temporaryFolder();
    const { store, manifest } = await taken(folder.file("w"));
    const target = folder.file("two");
    // Killed where its last folder was to be synced, and before the name of its own folder was.
    await restoreSnapshot(manifest, target, { store });
    chmodSync(target, 0o1700);
    const synced = new Set<string>();
    const fileSystem = faultyFileSystem(nodeFileSystem, {
      beforeCall: ({ operation, path }) => {
        if (operation === "syncDirectory") synced.add(realpathSync(path));
      },
    });
    const { unchanged } = await restoreSnapshot(manifest, target, { store, fileSystem });
    assert.equal(unchanged, manifest.files.length);
    const root = realpathSync(target);
    const folders = ["", "/docs", "/src", "/src/deep", "/src/deep/er", "/tests"];
    assert.deepEqual(
      [...synced].toSorted(),
      [dirname(root), ...folders.map((name) => root + name)].toSorted(),
    );
  });

  it("killed with SIGKILL at every call: a second restore completes it, and nothing is left over", async () => {
    using folder = temporaryFolder();
    writeTree(folder.file("w"), SMALL);
    await using store = fileStore(folder.file("store"));
    const manifest = await takeSnapshot(folder.file("w"), { store });
    const old = { "src/a.ts": { content: "old", mode: 0o644 } };
    writeTree(folder.file("old"), old);
    const whole = new Set(
      [...Object.entries(readTree(folder.file("w"))), ...Object.entries(readTree(folder.file("old")))].map(
        String,
      ),
    );
    const attempt = async (at: number): Promise<boolean> => {
      const target = folder.file(`two-${at}`);
      writeTree(target, old);
      const killed = await killedAt(at, ["restore", folder.file("store"), manifest.snapshot_id, target]);
      for (const entry of Object.entries(readTree(target))) {
        if (!entry[0].includes(".tmp.")) assert.ok(whole.has(String(entry)), `${at}: ${entry[0]} is half`);
      }
      await restoreSnapshot(manifest.snapshot_id, target, { store, force: true });
      assert.deepEqual(readTree(target), readTree(folder.file("w")), `call ${at}`);
      return killed;
    };
    await untilClean(attempt);
  });
});

describe("takeSnapshot() with contents", () => {
  it("killed with SIGKILL at every call: every manifest that is there can be restored, and a second one completes it", async () => {
    using folder = temporaryFolder();
    writeTree(folder.file("w"), { "src/a.ts": "one" });
    const { snapshot_id: id } = await takeSnapshot(folder.file("w"));
    const attempt = async (at: number): Promise<boolean> => {
      const root = folder.file(`store-${at}`);
      const killed = await killedAt(at, ["take", root, folder.file("w")]);
      await using store = fileStore(root);
      if (await snapshotStore(store).has(id)) {
        assert.deepEqual((await verifySnapshot(id, { store })).contents, [], `call ${at}`);
      }
      await takeSnapshot(folder.file("w"), { store });
      assert.ok((await verifySnapshot(id, { store, dir: folder.file("w") })).ok, `call ${at}`);
      return killed;
    };
    await untilClean(attempt);
  });

  it("keeps no manifest when a call fails, unless all its contents are there", async () => {
    using folder = temporaryFolder();
    writeTree(folder.file("w"), TREE);
    const { snapshot_id: id } = await takeSnapshot(folder.file("w"));
    for (let at = 1; ; at++) {
      const root = folder.file(`store-${at}`);
      const disk = faultyFileSystem(nodeFileSystem, { at, lasting: true, errno: "ENOSPC" });
      {
        await using broken = fileStore(root, { fileSystem: disk });
        await takeSnapshot(folder.file("w"), { store: broken }).catch(() => undefined);
      }
      await using store = fileStore(root);
      const isKept = await snapshotStore(store).has(id);
      const bad = isKept ? (await verifySnapshot(id, { store })).contents : [];
      assert.deepEqual(bad, [], `call ${at}`);
      if (disk.injected === 0) {
        assert.ok(isKept);
        break;
      }
    }
  });
});

/** Runs attempts with the process killed at the first call, the second, ... until one comes through; some at a time. */
async function untilClean(attempt: (at: number) => Promise<boolean>): Promise<void> {
  let clean = false;
  for (let at = 1; !clean; at += 4) {
    const killed = await Promise.all([0, 1, 2, 3].map(async (offset) => attempt(at + offset)));
    clean = killed.includes(false);
    assert.ok(at < 400, "it never came through");
  }
}

function killedAt(at: number, args: readonly string[]): Promise<boolean> {
  const worker = join(import.meta.dirname, "die-at-call.ts");
  const child = spawn(
    process.execPath,
    ["--conditions=holdfast-source", "--no-warnings", worker, String(at), ...args],
    {
      stdio: ["ignore", "ignore", "inherit"],
      env: { ...process.env, NODE_COMPILE_CACHE: join(tmpdir(), "holdfast-compile-cache") },
    },
  );
  return new Promise((resolve, reject) => {
    child.once("exit", (code, signal) => {
      if (signal === "SIGKILL" || code === 0) resolve(signal === "SIGKILL");
      else reject(new Error(`the worker ended with ${code}`));
    });
  });
}
