import { strict as assert } from "node:assert";
import { join } from "node:path";
import { temporaryFolders } from "@holdfast/test-kit";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { crashDisk, faultyFileSystem } from "./faults.ts";
import type { FileSystem, OpenMode } from "./file-system.ts";
import { nodeFileSystem } from "./node-file-system.ts";

const temporaryFolder = temporaryFolders();

describe("faultyFileSystem()", () => {
  it("fails the chosen call, once or from then on, with the chosen error, and counts", () => {
    const folder = temporaryFolder();
    for (const lasting of [false, true]) {
      const disk = faultyFileSystem(nodeFileSystem, {
        at: 2,
        lasting,
        errno: "EROFS",
        counts: ({ operation }) => operation === "mkdir",
      });
      const make = (name: string) => () => disk.mkdirSync(join(folder, `${name}-${lasting}`), 0o700);
      make("a")();
      expect(make("b")).toThrow(expect.objectContaining({ code: "EROFS", syscall: "mkdir" }));
      expect(disk.readdirSync(folder)).not.toContain(`b-${lasting}`);
      if (lasting) assert.throws(make("c"), { code: "EROFS" });
      else make("c")();
      expect(disk.calls.map(({ number, operation }) => [number, operation])).toEqual([
        [1, "mkdir"],
        [2, "mkdir"],
        [3, "mkdir"],
      ]);
      expect(disk.injected).toBe(lasting ? 2 : 1);
    }
  });

  it("cuts writes in half, and can report an error after the effect", async () => {
    const folder = temporaryFolder();
    const disk = faultyFileSystem(nodeFileSystem, {
      at: 2,
      shortWrites: true,
      counts: ({ operation }) => operation === "write",
    });
    const file = disk.openSync(join(folder, "a"), "create");
    expect(file.writeSync(Buffer.from("12345"), 0)).toBe(5);
    expect(await file.write(Buffer.from("12345"), 5)).toBe(2);
    expect(file.writeSync(Buffer.from("!"), 7)).toBe(1);
    expect(file.statSync().size).toBe(8);
    file.closeSync();
    expect(disk.openFiles).toBe(0);
    const late = faultyFileSystem(nodeFileSystem, { at: 1, afterEffect: true });
    expect(() => late.renameSync(join(folder, "a"), join(folder, "b"))).toThrow(
      expect.objectContaining({ code: "EIO" }),
    );
    expect(nodeFileSystem.readdirSync(folder)).toEqual(["b"]);
  });
});

const refused = (value: unknown) => typeof value === "string" && /^E[A-Z]+$/u.test(value);

type Step = readonly [operation: string, path: string, other: string];

/** What a step answers, in words that do not depend on the file system. */
function answer(fileSystem: FileSystem, root: string, [operation, path, other]: Step): unknown {
  const at = root + path;
  const open = (mode: OpenMode, use: (file: ReturnType<FileSystem["openSync"]>) => unknown) => {
    const file = fileSystem.openSync(at, mode);
    try {
      return use(file);
    } finally {
      file.closeSync();
      file.closeSync();
    }
  };
  const buffer = new Uint8Array(64);
  try {
    switch (operation) {
      case "mkdir":
        return fileSystem.mkdirSync(at, 0o700);
      case "rmdir":
        return fileSystem.rmdirSync(at);
      case "create":
      case "append":
        return open(operation, (file) => file.writeSync(Buffer.from(other), 0));
      case "update":
        return open("update", (file) => [
          file.writeSync(Buffer.from(other), 3),
          file.syncSync("full"),
          file.statSync().size,
        ]);
      case "truncate":
        return open("update", (file) => [file.truncateSync(other.length), file.statSync().size]);
      case "read":
        return open("read", (file) => Buffer.from(buffer.subarray(0, file.readSync(buffer, 1))).toString());
      case "rename":
        return fileSystem.renameSync(at, root + other);
      case "link":
        return fileSystem.linkSync(at, root + other);
      case "unlink":
        return fileSystem.unlinkSync(at);
      case "list":
        return fileSystem.readdirSync(at).toSorted();
      case "sync":
        return fileSystem.syncDirectorySync(at);
      default: {
        const stat = fileSystem.statSync(at);
        return stat === undefined ? "none" : [stat.kind, stat.kind === "file" ? stat.size : 0, stat.mode];
      }
    }
  } catch (error) {
    return error instanceof Error && "code" in error ? error.code : error;
  }
}

describe("crashDisk()", () => {
  it("answers as the real disk does", () => {
    const path = fc.constantFrom("/a", "/b", "/a/c", "/a/d", "/a/c/e", "/b/f");
    const operation = fc.constantFrom(
      "mkdir",
      "rmdir",
      "create",
      "append",
      "update",
      "truncate",
      "read",
      "rename",
      "link",
      "unlink",
      "list",
      "sync",
      "stat",
    );
    const step = fc.tuple(operation, path, path);
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 40 }), (steps) => {
        const folder = temporaryFolder();
        const disk = crashDisk();
        disk.mkdirSync("/root", 0o700);
        for (const next of steps) {
          const real = answer(nodeFileSystem, folder, next);
          const simulated = answer(disk, "/root", next);
          // Of several reasons to refuse, a system names the one it finds first.
          if (refused(real))
            assert.ok(refused(simulated), `${next.join(" ")}: ${String(simulated)}, really ${String(real)}`);
          else assert.deepEqual(simulated, real, next.join(" "));
        }
        assert.equal(disk.openFiles, 0);
      }),
      { numRuns: 150 },
    );
  });

  it("keeps after a power loss what was synced, and nothing else", () => {
    const disk = crashDisk();
    const write = (path: string, text: string, sync: boolean) => {
      const file = disk.openSync(path, "append");
      file.writeSync(Buffer.from(text), 0);
      if (sync) file.syncSync("full");
      file.closeSync();
    };
    disk.mkdirSync("/d", 0o700);
    write("/d/a", "one ", true);
    write("/d/b", "no", false);
    disk.syncDirectorySync("/d");
    expect(disk.afterPowerLoss("synced").paths()).toEqual([]); // the name of /d itself
    disk.syncDirectorySync("/");
    write("/d/a", "two", false);
    write("/d/c", "three", true);
    disk.unlinkSync("/d/b");
    const texts = (kept: "synced" | "names" | "everything") => {
      const found = disk.afterPowerLoss(kept);
      return Object.fromEntries(found.paths().map((path) => [path, found.text(path)]));
    };
    expect(texts("synced")).toEqual({ "/d": undefined, "/d/a": "one ", "/d/b": "" });
    expect(texts("names")).toEqual({ "/d": undefined, "/d/a": "one ", "/d/c": "three" });
    expect(texts("everything")).toEqual({ "/d": undefined, "/d/a": "one two", "/d/c": "three" });
    // A kill keeps the unsynced, and leaves it unsynced.
    expect(disk.afterPowerLoss("everything").afterPowerLoss("synced").text("/d/a")).toBe("one ");
  });
});
