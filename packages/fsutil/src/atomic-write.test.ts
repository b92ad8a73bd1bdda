import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import { join } from "node:path";
import { temporaryFolders } from "@holdfast/test-kit";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { writeFileAtomic, writeFileAtomicSync } from "./atomic-write.ts";
import { faultyFileSystem } from "./faulty-file-system.ts";
import { nodeFileSystem } from "./node-file-system.ts";

const temporaryFolder = temporaryFolders();
const modeOf = (path: string) => fs.statSync(path).mode & 0o777;

async function* slowly(...pieces: (string | Uint8Array)[]) {
  for (const piece of pieces) {
    await Promise.resolve();
    yield piece;
  }
}

async function* breaking() {
  yield "new";
  await Promise.reject(new Error("the source broke"));
}

describe("writeFileAtomic()", () => {
  it("keeps text as UTF-8 and bytes as they are, replaces what was there, and leaves nothing else", async () => {
    const folder = temporaryFolder();
    const path = join(folder, "a.json");
    await writeFileAtomic(path, "käse \u{1f9c0}\u2028");
    expect(fs.readFileSync(path, "utf8")).toBe("käse \u{1f9c0}\u2028");
    await writeFileAtomic(path, new Uint8Array([0, 255, 10]));
    expect([...fs.readFileSync(path)]).toEqual([0, 255, 10]);
    await writeFileAtomic(path, "");
    expect(fs.readFileSync(path, "utf8")).toBe("");
    expect(fs.readdirSync(folder)).toEqual(["a.json"]);
  });

  it("makes missing parents with mode 0700 and the file with 0600, whatever the umask", async () => {
    const folder = temporaryFolder();
    await writeFileAtomic(join(folder, "b", "c", "a.json"), "1");
    expect([
      modeOf(join(folder, "b")),
      modeOf(join(folder, "b", "c")),
      modeOf(join(folder, "b", "c", "a.json")),
    ]).toEqual([0o700, 0o700, 0o600]);
    await writeFileAtomic(join(folder, "run.sh"), "1", { mode: 0o777 });
    expect(modeOf(join(folder, "run.sh"))).toBe(0o777);
  });

  it("writes the pieces of an async iterable in order, text and bytes", async () => {
    const path = join(temporaryFolder(), "a");
    await writeFileAtomic(path, slowly("one ", Buffer.from("two "), "", "three"));
    expect(fs.readFileSync(path, "utf8")).toBe("one two three");
  });

  it("keeps the old file and passes the error on when an async iterable fails in the middle", async () => {
    const folder = temporaryFolder();
    const path = join(folder, "a");
    await writeFileAtomic(path, "old");
    await expect(writeFileAtomic(path, breaking())).rejects.toThrow("the source broke");
    await expect(writeFileAtomic(path, breaking(), { signal: new AbortController().signal })).rejects.toThrow(
      "the source broke",
    );
    expect(fs.readFileSync(path, "utf8")).toBe("old");
    expect(fs.readdirSync(folder)).toEqual(["a"]);
  });

  it("stops for its signal before anything, between pieces, and while a source hangs; the source is closed", async () => {
    const folder = temporaryFolder();
    const path = join(folder, "a");
    const reason = new Error("enough");
    await expect(writeFileAtomic(path, "x", { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const controller = new AbortController();
    let closed = false;
    const hanging: AsyncIterable<string> = {
      [Symbol.asyncIterator]: () => ({
        next: () => {
          setTimeout(() => controller.abort(reason), 5);
          return new Promise(() => undefined);
        },
        return: async () => {
          closed = true;
          return { done: true, value: undefined };
        },
      }),
    };
    await expect(writeFileAtomic(path, hanging, { signal: controller.signal })).rejects.toBe(reason);
    expect(closed).toBe(true);
    expect(fs.readdirSync(folder)).toEqual([]);
  });

  it("stops for its signal before the rename and not after it", async () => {
    const folder = temporaryFolder();
    const path = join(folder, "a");
    const late = new AbortController();
    const disk = faultyFileSystem(nodeFileSystem, {
      beforeCall: ({ operation }) => {
        if (operation === "syncDirectory") late.abort(new Error("too late"));
      },
    });
    await writeFileAtomic(path, "kept", { signal: late.signal, fileSystem: disk });
    expect(fs.readFileSync(path, "utf8")).toBe("kept");
    const early = new AbortController();
    const other = faultyFileSystem(nodeFileSystem, {
      beforeCall: ({ operation }) => {
        if (operation === "sync") early.abort(new Error("in time"));
      },
    });
    await expect(writeFileAtomic(path, "lost", { signal: early.signal, fileSystem: other })).rejects.toThrow(
      "in time",
    );
    expect(fs.readFileSync(path, "utf8")).toBe("kept");
    expect(fs.readdirSync(folder)).toEqual(["a"]);
  });

  it("runs beforeRename after the sync and before the rename; what it throws stops the write", async () => {
    const folder = temporaryFolder();
    const path = join(folder, "a");
    const fenced = new Error("fenced off");
    for (const write of [writeFileAtomic, writeFileAtomicSync]) {
      const disk = faultyFileSystem(nodeFileSystem);
      let seen: string[] = [];
      const beforeRename = () => {
        seen = disk.calls.map(({ operation }) => operation);
        throw fenced;
      };
      await expect(async () => write(path, "x", { beforeRename, fileSystem: disk })).rejects.toBe(fenced);
      expect(seen).toContain("sync");
      expect(disk.calls.map(({ operation }) => operation)).not.toContain("rename");
      expect(fs.readdirSync(folder)).toEqual([]);
      expect(disk.openFiles).toBe(0);
    }
  });

  it("renames where aroundRename says so; what that throws before stops the write, a rename that fails has its code", async () => {
    const path = join(temporaryFolder(), "a");
    for (const write of [writeFileAtomic, writeFileAtomicSync]) {
      const disk = faultyFileSystem(nodeFileSystem);
      const renamed = () => disk.calls.some(({ operation }) => operation === "rename");
      const seen: boolean[] = [];
      const aroundRename = (rename: () => void) => {
        seen.push(renamed());
        rename();
        seen.push(renamed());
      };
      await write(path, "x", { aroundRename, fileSystem: disk });
      expect(seen).toEqual([false, true]);
      const fenced = new Error("fenced off");
      const refuse = () => {
        throw fenced;
      };
      await expect(async () => write(path, "y", { aroundRename: refuse, fileSystem: disk })).rejects.toBe(
        fenced,
      );
      const full = faultyFileSystem(nodeFileSystem, {
        errno: "ENOSPC",
        at: 1,
        counts: ({ operation }) => operation === "rename",
      });
      await expect(async () => write(path, "y", { aroundRename, fileSystem: full })).rejects.toMatchObject({
        code: "FILE_NO_SPACE",
      });
      expect(fs.readdirSync(join(path, ".."))).toEqual(["a"]);
      expect(fs.readFileSync(path, "utf8")).toBe("x");
    }
  });

  it("syncs content and folder for full, content for data, nothing for none", async () => {
    const folder = temporaryFolder();
    const synced = async (durability: "full" | "data" | "none") => {
      const disk = faultyFileSystem(nodeFileSystem);
      await writeFileAtomic(join(folder, "a"), "x", { durability, fileSystem: disk });
      writeFileAtomicSync(join(folder, "a"), "x", { durability, fileSystem: disk });
      return disk.calls.map(({ operation }) => operation).filter((operation) => operation.startsWith("sync"));
    };
    expect(await synced("full")).toEqual(["sync", "syncDirectory", "sync", "syncDirectory"]);
    expect(await synced("data")).toEqual(["sync", "sync"]);
    expect(await synced("none")).toEqual([]);
  });

  it("refuses text that UTF-8 would change, and options that mean nothing, before the first byte", async () => {
    const folder = temporaryFolder();
    const path = join(folder, "a");
    await expect(writeFileAtomic(path, "\ud800")).rejects.toThrow(TypeError);
    await expect(writeFileAtomic(path, "x", { mode: 0o10000 })).rejects.toThrow(RangeError);
    // @ts-expect-error as a caller without types may
    await expect(writeFileAtomic(path, "x", { durability: "total" })).rejects.toThrow(TypeError);
    // @ts-expect-error as a caller without types may
    await expect(writeFileAtomic(path, 5)).rejects.toThrow(TypeError);
    expect(() => writeFileAtomicSync(path, "\udc00")).toThrow(TypeError);
    expect(fs.readdirSync(folder)).toEqual([]);
  });

  it("replaces a symlink and not what it points to, and refuses a folder", async () => {
    const folder = temporaryFolder();
    fs.writeFileSync(join(folder, "target"), "untouched");
    fs.symlinkSync("target", join(folder, "link"));
    await writeFileAtomic(join(folder, "link"), "new");
    expect(fs.readFileSync(join(folder, "target"), "utf8")).toBe("untouched");
    expect(fs.lstatSync(join(folder, "link")).isFile()).toBe(true);
    fs.mkdirSync(join(folder, "sub"));
    await expect(writeFileAtomic(join(folder, "sub"), "new")).rejects.toMatchObject({
      code: "FILE_IO",
      path: join(folder, "sub"),
    });
    await expect(writeFileAtomic(join(folder, "target", "x"), "new")).rejects.toMatchObject({
      code: "FILE_IO",
    });
    expect(fs.readdirSync(folder).toSorted()).toEqual(["link", "sub", "target"]);
  });

  it("writes names of 255 bytes, also of characters of four bytes", async () => {
    const folder = temporaryFolder();
    for (const name of ["a".repeat(255), "\u{1f9c0}".repeat(63), "ä".repeat(127)]) {
      await writeFileAtomic(join(folder, name), name);
      expect(fs.readFileSync(join(folder, name), "utf8")).toBe(name);
    }
    expect(fs.readdirSync(folder)).toHaveLength(3);
  });

  it("lets one of many concurrent writers win, whole, while readers see whole contents only", async () => {
    const folder = temporaryFolder();
    const path = join(folder, "a");
    const contents = Array.from({ length: 12 }, (_, index) =>
      String.fromCharCode(97 + index).repeat(700_000 + index),
    );
    await writeFileAtomic(path, contents[0] ?? "");
    const done = new AbortController();
    const reader = (async () => {
      let reads = 0;
      for (; !done.signal.aborted; reads++)
        assert.ok(contents.includes(await fs.promises.readFile(path, "utf8")));
      return reads;
    })();
    await Promise.all(contents.map((content) => writeFileAtomic(path, content)));
    done.abort();
    expect(await reader).toBeGreaterThan(0);
    expect(fs.readdirSync(folder)).toEqual(["a"]);
  });

  it("gives back any bytes, in any pieces", async () => {
    const path = join(temporaryFolder(), "a");
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 8 }), async (pieces) => {
        const whole = Buffer.concat(pieces);
        await writeFileAtomic(path, slowly(...pieces), { durability: "none" });
        expect(fs.readFileSync(path).equals(whole)).toBe(true);
        writeFileAtomicSync(path, whole, { durability: "none" });
        expect(fs.readFileSync(path).equals(whole)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it("keeps every character of long texts, also at the borders of its buffers", async () => {
    const path = join(temporaryFolder(), "a");
    for (const [character, shift] of [
      ["\u{1f9c0}", ""],
      ["\u{1f9c0}", "a"],
      ["\u{1f9c0}", "ab"],
      ["ä", "\u2028"],
      ["x", ""],
    ] as const) {
      for (const length of [87_380, 87_381, 87_382, 262_144, 800_000, 2_200_000]) {
        const text = shift + character.repeat(length / character.length);
        writeFileAtomicSync(path, text, { durability: "none" });
        assert.ok(fs.readFileSync(path, "utf8") === text, `${character} ${length}`);
        await writeFileAtomic(path, text, { durability: "none" });
        assert.ok(fs.readFileSync(path, "utf8") === text, `${character} ${length}`);
      }
    }
  });
});
