import * as fs from "node:fs";
import { join } from "node:path";
import { temporaryFolders } from "@holdfast/test-kit";
import { describe, expect, it } from "vitest";
import { makeFifo } from "../test/fifo.ts";
import { faultyFileSystem } from "./faulty-file-system.ts";
import { nodeFileSystem } from "./node-file-system.ts";
import { readFileLimited, readFileLimitedSync } from "./read-file.ts";

const temporaryFolder = temporaryFolders();

describe("readFileLimited()", () => {
  it("reads a whole file up to the limit, inclusive, and refuses one byte more", async () => {
    const path = join(temporaryFolder(), "a");
    for (const size of [0, 1, 10, 70_000, 3_000_000]) {
      const content = Buffer.alloc(size, "abcdefg");
      fs.writeFileSync(path, content);
      expect((await readFileLimited(path, size)).equals(content)).toBe(true);
      expect(readFileLimitedSync(path, size + 5).equals(content)).toBe(true);
      fs.appendFileSync(path, "x");
      await expect(readFileLimited(path, size)).rejects.toMatchObject({ code: "FILE_TOO_LARGE", path });
      expect(() => readFileLimitedSync(path, size)).toThrow(
        expect.objectContaining({ code: "FILE_TOO_LARGE" }),
      );
    }
  });

  it("reads what a file has grown to meanwhile, and stops at the limit all the same", async () => {
    const path = join(temporaryFolder(), "a");
    fs.writeFileSync(path, "x".repeat(100));
    const grow = () =>
      faultyFileSystem(nodeFileSystem, {
        beforeCall: ({ operation }) => operation === "read" && fs.appendFileSync(path, "y".repeat(3_000)),
      });
    const disk = grow();
    await expect(readFileLimited(path, 20_000, { fileSystem: disk })).rejects.toMatchObject({
      code: "FILE_TOO_LARGE",
    });
    expect(disk.openFiles).toBe(0);
    let reads = 0;
    const once = faultyFileSystem(nodeFileSystem, {
      beforeCall: ({ operation }) => {
        if (operation === "read" && ++reads === 1) fs.appendFileSync(path, "end");
      },
    });
    const content = await readFileLimited(path, 1_000_000, { fileSystem: once });
    expect(content.equals(fs.readFileSync(path))).toBe(true);
  });

  it("does not wait for a FIFO, and refuses folders and devices", async () => {
    const folder = temporaryFolder();
    makeFifo(join(folder, "fifo"));
    for (const path of [join(folder, "fifo"), folder, "/dev/zero"]) {
      await expect(readFileLimited(path, 100)).rejects.toMatchObject({ code: "FILE_UNREADABLE", path });
    }
  });

  it("names a file it may not read", async () => {
    const path = join(temporaryFolder(), "a");
    fs.writeFileSync(path, "x");
    const disk = faultyFileSystem(nodeFileSystem, { at: 1, errno: "EACCES" });
    await expect(readFileLimited(path, 100, { fileSystem: disk })).rejects.toMatchObject({
      code: "FILE_UNREADABLE",
      path,
      message: expect.stringContaining("permission"),
    });
  });

  it("closes the file after an error of any call, and says which file", async () => {
    const path = join(temporaryFolder(), "a");
    fs.writeFileSync(path, "x".repeat(2_000_000));
    for (let at = 1; ; at++) {
      const disk = faultyFileSystem(nodeFileSystem, { at });
      const result = await readFileLimited(path, 3_000_000, { fileSystem: disk }).catch(
        (error: unknown) => error,
      );
      expect(disk.openFiles).toBe(0);
      if (disk.injected === 0) break;
      expect(result).toMatchObject({ code: expect.stringMatching(/^(?:FILE_UNREADABLE|EIO)$/u) });
    }
    await expect(
      readFileLimited(path, 3_000_000, { signal: AbortSignal.abort(new Error("enough")) }),
    ).rejects.toThrow("enough");
    await expect(readFileLimited(path, -1)).rejects.toThrow(RangeError);
    await expect(readFileLimited(path, 1.5)).rejects.toThrow(RangeError);
  });
});
