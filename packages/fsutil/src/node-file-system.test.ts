import * as fs from "node:fs";
import { join } from "node:path";
import { temporaryFolders } from "@holdfast/test-kit";
import { describe, expect, it } from "vitest";
import { makeFifo } from "../test/fifo.ts";
import { nodeFileSystem } from "./node-file-system.ts";

const temporaryFolder = temporaryFolders();

describe("nodeFileSystem", () => {
  it("writes at a position, or at the end of an appended file whatever the position", async () => {
    const path = join(temporaryFolder(), "a");
    const file = nodeFileSystem.openSync(path, "append");
    expect(file.writeSync(Buffer.from("one"), 0)).toBe(3);
    expect(await file.write(Buffer.from("two"), 0)).toBe(3);
    await file.sync("data");
    file.closeSync();
    const update = nodeFileSystem.openSync(path, "update");
    await update.write(Buffer.from("X"), 1);
    update.truncateSync(5);
    const buffer = new Uint8Array(10);
    expect(await update.read(buffer, 1)).toBe(4);
    expect(update.statSync()).toMatchObject({ kind: "file", size: 5, mode: 0o600 });
    update.closeSync();
    expect(fs.readFileSync(path, "utf8")).toBe("oXetw");
    expect(() => nodeFileSystem.openSync(path, "create")).toThrow(
      expect.objectContaining({ code: "EEXIST" }),
    );
    expect(() => nodeFileSystem.openSync(`${path}-none`, "update")).toThrow(
      expect.objectContaining({ code: "ENOENT" }),
    );
  });

  it("answers EBADF after close(), instead of reaching a file that got the same number", async () => {
    const folder = temporaryFolder();
    const file = nodeFileSystem.openSync(join(folder, "a"), "create");
    file.closeSync();
    file.closeSync();
    const other = nodeFileSystem.openSync(join(folder, "b"), "create");
    expect(() => file.writeSync(Buffer.from("x"), 0)).toThrow(expect.objectContaining({ code: "EBADF" }));
    await expect(file.write(Buffer.from("x"), 0)).rejects.toMatchObject({ code: "EBADF" });
    await expect(file.sync("full")).rejects.toMatchObject({ code: "EBADF" });
    expect(other.statSync().size).toBe(0);
    other.closeSync();
  });

  it("does not follow a symlink when told so, and never waits for a FIFO", () => {
    const folder = temporaryFolder();
    fs.writeFileSync(join(folder, "a"), "x");
    fs.symlinkSync("a", join(folder, "link"));
    makeFifo(join(folder, "fifo"));
    expect(() => nodeFileSystem.openSync(join(folder, "link"), "read", 0, { noFollow: true })).toThrow(
      expect.objectContaining({ code: "ELOOP" }),
    );
    const fifo = nodeFileSystem.openSync(join(folder, "fifo"), "read");
    expect(fifo.statSync().kind).toBe("other");
    fifo.closeSync();
    expect(nodeFileSystem.lstatSync(join(folder, "link"))?.kind).toBe("symlink");
    expect(nodeFileSystem.statSync(join(folder, "link"))?.kind).toBe("file");
    expect(nodeFileSystem.statSync(folder)?.kind).toBe("directory");
    expect(nodeFileSystem.lstatSync(join(folder, "none"))).toBeUndefined();
    expect(nodeFileSystem.realpathSync(join(folder, "link"))).toBe(join(folder, "a"));
  });

  it("keeps times to the microsecond", () => {
    const path = join(temporaryFolder(), "a");
    fs.writeFileSync(path, "x");
    for (const time of [0n, 1_700_000_000_123_456_000n, 4_102_444_800_999_999_000n]) {
      nodeFileSystem.utimesSync(path, time);
      const difference = (nodeFileSystem.statSync(path)?.mtimeNs ?? 0n) - time;
      expect(difference < 1_000n && difference > -1_000n).toBe(true);
    }
  });
});
