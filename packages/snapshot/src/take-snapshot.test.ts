import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs, {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { memoryStore } from "@holdfast/storage";
import { temporaryFolder } from "@holdfast/test-kit";
import * as fc from "fast-check";
import { describe, it, vi } from "vitest";
import { writeTree } from "../test/tree.ts";
import { snapshotManifestSchema } from "./manifest.ts";
import type { SnapshotWarning } from "./skipped.ts";
import { snapshotIdOf } from "./snapshot-id.ts";
import { takeSnapshot } from "./take-snapshot.ts";

/** Makes files older than the moment in which a change may go unseen. */
const settle = async () => new Promise((resolve) => setTimeout(resolve, 130));

const pathsOf = ({ files }: { files: readonly { path: string }[] }) => files.map(({ path }) => path);

describe("takeSnapshot()", () => {
  it("gives a manifest of the files in specs, src, tests and docs", async () => {
    using folder = temporaryFolder();
    writeTree(folder.path, {
      "src/a.ts": { content: "hello", mode: 0o755 },
      "docs/b.md": { content: "", mode: 0o640 },
      "other/c": "not included",
      "README.md": "not included",
    });
    utimesSync(folder.file("src/a.ts"), 1_767_323_045.123456, 1_767_323_045.123456);
    const manifest = await takeSnapshot(folder.path, { clock: () => 1_767_323_046_000_001n });
    assert.deepEqual(snapshotManifestSchema.parse(JSON.parse(JSON.stringify(manifest))), manifest);
    assert.equal(manifest.created_at, "2026-01-02T03:04:06.000001Z");
    assert.equal(manifest.workspace_root, "./");
    assert.equal(manifest.snapshot_id, snapshotIdOf(manifest.files));
    assert.deepEqual(pathsOf(manifest), ["docs/b.md", "src/a.ts"]);
    const [empty, hello] = manifest.files;
    assert.equal(hello?.sha256, "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
    assert.equal(hello?.size, 5);
    assert.equal(hello?.mode, "0755");
    assert.match(hello?.mtime ?? "", /^2026-01-02T03:04:05\.12345\dZ$/);
    assert.equal(empty?.mode, "0640");
    assert.equal(empty?.size, 0);
  });

  it("sorts paths by UTF-16 code units, folders among files", async () => {
    using folder = temporaryFolder();
    const paths = [
      "src/a-b",
      "src/a/b",
      "src/a/c/d",
      "src/a.ts",
      "src/a0",
      "src/B",
      "src/\uFF5E",
      "src/\u{1F600}",
      "src/é",
    ];
    writeTree(folder.path, Object.fromEntries(paths.map((path) => [path, path])));
    assert.deepEqual(pathsOf(await takeSnapshot(folder.path)), paths.toSorted());
  });

  it("leaves out hidden files, the default folders at any depth, and says so where one might wonder", async () => {
    using folder = temporaryFolder();
    writeTree(folder.path, {
      "src/.hidden": "",
      "src/.git/config": "",
      "src/.holdfast/store.json": "",
      "src/node_modules/x/index.js": "",
      "src/deep/events/e": "",
      "src/logs/l": "",
      "src/logs.ts": "",
      "src/deep/state": "a file of that name is a file",
    });
    const warnings: SnapshotWarning[] = [];
    const manifest = await takeSnapshot(folder.path, { onWarning: (warning) => warnings.push(warning) });
    assert.deepEqual(pathsOf(manifest), ["src/deep/state", "src/logs.ts"]);
    assert.deepEqual(
      warnings.map(({ path, reason }) => [path, reason]),
      [
        ["src/deep/events", "excluded"],
        ["src/logs", "excluded"],
      ],
    );
  });

  it("takes what include names, also when it is hidden or left out by default, but never .git or .holdfast", async () => {
    using folder = temporaryFolder();
    writeTree(folder.path, {
      "src/a": "",
      ".github/w.yml": "",
      ".github/.hidden": "",
      "events/e.json": "",
      "single.txt": "",
      ".git/config": "",
      "lib/x": "",
    });
    const warnings: string[] = [];
    const manifest = await takeSnapshot(folder.path, {
      include: ["./src/", ".github", "events", "single.txt", ".git", "nowhere/x"],
      onWarning: ({ path, reason }) => warnings.push(`${path} ${reason}`),
    });
    assert.deepEqual(pathsOf(manifest), [".github/w.yml", "events/e.json", "single.txt", "src/a"]);
    assert.deepEqual(warnings.toSorted(), [".git excluded", "nowhere missing"]);
    assert.deepEqual(manifest.include, ["./src/", ".github", "events", "single.txt", ".git", "nowhere/x"]);
    const all = await takeSnapshot(folder.path, { include: [".", ".github"] });
    assert.deepEqual(pathsOf(all), [".github/w.yml", "lib/x", "single.txt", "src/a"]);
  });

  it("refuses to include what lies outside", async () => {
    using folder = temporaryFolder();
    for (const path of ["../x", "/etc", "a/../../b", "a\0b", ""]) {
      await assert.rejects(takeSnapshot(folder.path, { include: [path] }), TypeError);
    }
  });

  it("gives an empty snapshot of an empty workspace, and SNAPSHOT_ROOT without one", async () => {
    using folder = temporaryFolder();
    assert.equal((await takeSnapshot(folder.path)).snapshot_id, "snap-4f53cda18c2b");
    await assert.rejects(takeSnapshot(folder.file("nowhere")), { code: "SNAPSHOT_ROOT" });
    writeFileSync(folder.file("file"), "");
    await assert.rejects(takeSnapshot(folder.file("file")), { code: "SNAPSHOT_ROOT" });
  });

  it("takes a name of 255 bytes, and names that JSON escapes", async () => {
    using folder = temporaryFolder();
    const names = ["x".repeat(255), 'quote"back\\slash', "new\nline", "tab\t", "\u2028", "é".repeat(127)];
    writeTree(folder.path, Object.fromEntries(names.map((name) => [`src/${name}`, name])));
    const manifest = await takeSnapshot(folder.path);
    assert.deepEqual(pathsOf(manifest), names.map((name) => `src/${name}`).toSorted());
    assert.equal(manifest.snapshot_id, snapshotIdOf(manifest.files));
  });

  it("stops with the signal's reason", async () => {
    using folder = temporaryFolder();
    writeTree(
      folder.path,
      Object.fromEntries(Array.from({ length: 600 }, (_, n) => [`src/${n % 20}/${n}`, `${n}`])),
    );
    const reason = new Error("enough");
    await assert.rejects(takeSnapshot(folder.path, { signal: AbortSignal.abort(reason) }), reason);
    const controller = new AbortController();
    const taking = takeSnapshot(folder.path, { signal: controller.signal });
    setTimeout(() => controller.abort(reason), 1);
    await assert.rejects(taking, reason);
  });

  it("reports its progress", async () => {
    using folder = temporaryFolder();
    writeTree(folder.path, { "src/a": "a", "src/b": "b", "src/same": "a" });
    const phases = new Map<string, number>();
    await takeSnapshot(folder.path, {
      store: memoryStore(),
      onProgress: ({ phase, files }) => phases.set(phase, files),
    });
    assert.equal(phases.get("store"), 3);
  });
});

describe("the id of a snapshot", () => {
  it("is the same in another folder, with other times and modes, and by another user", async () => {
    using folder = temporaryFolder();
    writeTree(folder.file("one"), { "src/a/b.ts": "1", "src/a-b": "2", "tests/t": "4", "specs/s/t/u": "" });
    const { snapshot_id: id } = await takeSnapshot(folder.file("one"));
    cpSync(folder.file("one"), folder.file("elsewhere/two"), { recursive: true });
    for (const path of ["src/a/b.ts", "src/a-b", "tests/t"]) {
      utimesSync(folder.file(`elsewhere/two/${path}`), 1_000_000, 1_000_000);
      chmodSync(folder.file(`elsewhere/two/${path}`), 0o700);
    }
    assert.equal((await takeSnapshot(folder.file("elsewhere/two"))).snapshot_id, id);
    symlinkSync(folder.file("elsewhere"), folder.file("link"));
    assert.equal((await takeSnapshot(folder.file("link/two"))).snapshot_id, id);
  });

  it("is another one after any change of path, content or size", async () => {
    using folder = temporaryFolder();
    writeTree(folder.path, { "src/a": "1", "src/b": "2" });
    const ids = [(await takeSnapshot(folder.path)).snapshot_id];
    writeFileSync(folder.file("src/a"), "3");
    ids.push((await takeSnapshot(folder.path)).snapshot_id);
    renameSync(folder.file("src/a"), folder.file("src/c"));
    ids.push((await takeSnapshot(folder.path)).snapshot_id);
    unlinkSync(folder.file("src/b"));
    ids.push((await takeSnapshot(folder.path)).snapshot_id);
    assert.equal(new Set(ids).size, 4);
  });
});

describe("a second snapshot", () => {
  it("reads no file of an unchanged tree again, and gives the same manifest", async () => {
    using folder = temporaryFolder();
    const store = memoryStore();
    writeTree(folder.path, {
      "src/a": "1",
      "src/b/c": "2",
      "src/b/.holdfastignore": "*.tmp",
      "src/b/x.tmp": "",
      "docs/d": "",
    });
    symlinkSync("a", folder.file("src/link"));
    await settle();
    const warnings: string[][] = [];
    const take = async () => {
      const own: string[] = [];
      const manifest = await takeSnapshot(folder.path, { store, onWarning: ({ path }) => own.push(path) });
      warnings.push(own);
      return manifest;
    };
    const first = await take();
    // A content that does not belong to the times: it shows whether the file was read.
    const forged = await (async () => {
      const { atime, mtime } = statSync(folder.file("src/a"));
      writeFileSync(folder.file("src/a"), "X");
      utimesSync(folder.file("src/a"), atime, mtime);
      return take();
    })();
    assert.notEqual(forged.snapshot_id, first.snapshot_id, "the ctime gives a forged mtime away");
    await settle();
    const again = await take();
    const reads = vi.spyOn(fs, "readSync");
    const third = await take();
    assert.equal(reads.mock.calls.length, 0);
    reads.mockRestore();
    assert.deepEqual({ ...third, created_at: "" }, { ...again, created_at: "" });
    assert.deepEqual(warnings, [["src/link"], ["src/link"], ["src/link"], ["src/link"]]);
  });

  it("sees a change of the same size within the same tick of the clock", async () => {
    using folder = temporaryFolder();
    const store = memoryStore();
    writeTree(folder.path, { "src/a": "0" });
    for (let n = 1; n < 20; n++) {
      const { snapshot_id: before } = await takeSnapshot(folder.path, { store });
      writeFileSync(folder.file("src/a"), String(n % 10));
      const { snapshot_id: after } = await takeSnapshot(folder.path, { store });
      assert.notEqual(after, before, `change ${n}`);
    }
  });

  it("sees every change of rules, names, kinds and contents that a fresh one sees", async () => {
    const change = fc.record({
      kind: fc.constantFrom("write", "delete", "rename", "ignore", "link", "mkdir", "swap", "chmod"),
      at: fc.nat(11),
      to: fc.nat(11),
      text: fc.constantFrom("", "a", "b", "*.ts", "!x.ts", "d", "/x.ts"),
    });
    const places = [
      "src/x.ts",
      "src/y",
      "src/d/x.ts",
      "src/d/y",
      "src/d/e/x.ts",
      "src/d/e/z",
      "src/f/x.ts",
      "src/f/g/y",
      "docs/x.ts",
      "docs/d/y",
      "docs/z",
      "tests/x.ts",
    ];
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(change, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 4 }),
        async (rounds) => {
          using folder = temporaryFolder();
          const store = memoryStore();
          writeTree(folder.path, Object.fromEntries(places.map((path) => [path, path])));
          let previous = await takeSnapshot(folder.path, { store });
          for (const changes of rounds) {
            for (const { kind, at, to, text } of changes) {
              const path = folder.file(places[at] ?? "");
              const other = folder.file(places[to] ?? "");
              try {
                if (kind === "write") writeFileSync(path, text);
                if (kind === "delete") rmSync(path, { recursive: true });
                if (kind === "rename") renameSync(path, other);
                if (kind === "ignore")
                  writeFileSync(`${path.slice(0, path.lastIndexOf("/"))}/.holdfastignore`, text);
                if (kind === "link") symlinkSync("x.ts", other);
                if (kind === "mkdir") mkdirSync(`${path}.folder`, { recursive: true });
                if (kind === "swap")
                  renameSync(path.slice(0, path.lastIndexOf("/")), `${folder.path}/src/moved`);
                if (kind === "chmod") chmodSync(path, 0o600);
              } catch {
                // The one before took it away.
              }
            }
            const fresh = await takeSnapshot(folder.path);
            for (const options of [{ store }, { previous }]) {
              const manifest = await takeSnapshot(folder.path, options);
              assert.deepEqual(manifest.files, fresh.files);
              assert.equal(manifest.snapshot_id, fresh.snapshot_id);
              previous = manifest;
            }
          }
        },
      ),
      { numRuns: 30 },
    );
  });

  it("does without a cache that is damaged", async () => {
    using folder = temporaryFolder();
    writeTree(folder.path, { "src/a": "1", "src/b": "2" });
    const store = memoryStore();
    await settle();
    const { snapshot_id: id } = await takeSnapshot(folder.path, { store });
    const [cache] = (await store.documents.list("index/stat-cache/")).items;
    const key = cache?.key ?? "";
    const value = (await store.documents.get(key))?.value as { readonly [name: string]: string };
    const forged = {
      ...value,
      sums: (value["sums"] ?? "").replace(/^./, (digit) => (digit === "0" ? "1" : "0")),
    };
    for (const bad of [
      forged,
      { ...value, count: 3 },
      { ...value, names: "" },
      { schema: "other" },
      null,
      "text",
    ]) {
      await store.documents.put(key, bad);
      assert.equal((await takeSnapshot(folder.path, { store })).snapshot_id, id);
    }
  });

  it("does not take another workspace's cache, nor that of other options", async () => {
    using folder = temporaryFolder();
    writeTree(folder.file("one"), { "src/a": "1", "docs/b": "2" });
    await settle();
    const store = memoryStore();
    const all = await takeSnapshot(folder.file("one"), { store });
    const one = await takeSnapshot(folder.file("one"), { store, include: ["src"], previous: all });
    assert.deepEqual(pathsOf(one), ["src/a"]);
    const ruled = await takeSnapshot(folder.file("one"), { store, exclude: ["src"], previous: one });
    assert.deepEqual(pathsOf(ruled), ["docs/b"]);
    cpSync(folder.file("one"), folder.file("copy"), { recursive: true });
    copyFileSync(folder.file("one/docs/b"), folder.file("copy/src/a"));
    const copy = await takeSnapshot(folder.file("copy"), { store, previous: all });
    assert.notEqual(copy.snapshot_id, all.snapshot_id);
  });
});

describe("rules", () => {
  it("are those of git: random rules in random folders, judged by git itself", async () => {
    const version = execFileSync("git", ["--version"], { encoding: "utf8" });
    assert.match(version, /git version/);
    const names = ["a", "b.ts", "c.tmp", "d", "build", "x y", "[z]", "#h", "!n", "e*"];
    const part = fc.constantFrom(...names);
    const path = fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join("/"));
    const pattern = fc.oneof(
      fc.constantFrom(
        "*",
        "*.ts",
        "*.tmp",
        "/a",
        "a/",
        "a/**",
        "**/a",
        "d/**/b.ts",
        "b?ts",
        "[ab]",
        "[!a]*",
        "build/",
        "\\#h",
        "\\!n",
        "x\\ y",
        "x y",
        "# c",
        "",
        "  ",
        "/d/a",
        "e\\*",
        "\\[z\\]",
        "**",
        "*/",
        "/*",
        "!*/",
        "a/b.ts",
      ),
      path,
    );
    const rule = fc.tuple(fc.boolean(), pattern).map(([negated, text]) => (negated ? `!${text}` : text));
    const rules = fc.array(rule, { maxLength: 5 }).map((lines) => lines.join("\n"));
    const trees = fc.record({
      paths: fc.array(path, { minLength: 1, maxLength: 12 }),
      files: fc.dictionary(fc.oneof(fc.constant(""), path), rules, { maxKeys: 3 }),
      root: rules,
    });
    await fc.assert(
      fc.asyncProperty(trees, async ({ paths, files, root }) => {
        using folder = temporaryFolder();
        execFileSync("git", ["init", "-q", folder.path]);
        for (const leaf of paths) {
          try {
            writeTree(folder.path, { [leaf]: "x" });
          } catch {
            // A file of the tree is in the way.
          }
        }
        for (const [place, text] of [...Object.entries(files), ["", root] as const]) {
          try {
            if (!statSync(folder.file(place)).isDirectory()) continue;
          } catch {
            continue;
          }
          writeFileSync(folder.file(`${place}/.gitignore`), text);
          writeFileSync(folder.file(`${place}/.holdfastignore`), text);
        }
        const options = [
          "-C",
          folder.path,
          "-c",
          "core.excludesFile=/dev/null",
          "ls-files",
          "-o",
          "-z",
          "--exclude-per-directory=.gitignore",
        ];
        const git = execFileSync("git", options, { encoding: "utf8" })
          .split("\0")
          .filter((line) => line !== "" && !line.includes("ignore"));
        const ours = await takeSnapshot(folder.path, { include: ["."] });
        assert.deepEqual(
          pathsOf(ours).filter((taken) => !taken.endsWith(".gitignore")),
          git.toSorted(),
        );
      }),
      { numRuns: 80 },
    );
  });

  it("of the call decide before those of files, and both before the default", async () => {
    using folder = temporaryFolder();
    writeTree(folder.path, {
      "src/.holdfastignore": "*.tmp\n!events/\n!.env.example\n",
      "src/a.tmp": "",
      "src/keep.tmp": "",
      "src/events/e": "",
      "src/.env.example": "",
      "src/.env": "",
      "src/secret": "",
    });
    const manifest = await takeSnapshot(folder.path, { exclude: ["!keep.tmp", "src/secret"] });
    assert.deepEqual(pathsOf(manifest), ["src/.env.example", "src/events/e", "src/keep.tmp"]);
  });
});
