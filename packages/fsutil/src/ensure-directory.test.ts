import * as fs from "node:fs";
import { join } from "node:path";
import { temporaryFolders } from "@holdfast/test-kit";
import { describe, expect, it } from "vitest";
import { crashDisk } from "./crash-disk.ts";
import { ensureDirectory, ensureDirectorySync } from "./ensure-directory.ts";
import { faultyFileSystem } from "./faulty-file-system.ts";
import { nodeFileSystem } from "./node-file-system.ts";
import { removeFile } from "./remove-file.ts";

const temporaryFolder = temporaryFolders();

describe("ensureDirectory()", () => {
  it("makes what is missing with mode 0700, says what, and does nothing the second time", async () => {
    const folder = temporaryFolder();
    const disk = faultyFileSystem(nodeFileSystem);
    expect(await ensureDirectory(join(folder, "a", "b"), { fileSystem: disk })).toBe(join(folder, "a"));
    expect(
      disk.calls.filter(({ operation }) => operation === "syncDirectory").map(({ path }) => path),
    ).toEqual([folder, join(folder, "a")]);
    for (const path of ["a", "a/b"]) expect(fs.statSync(join(folder, path)).mode & 0o7777).toBe(0o700);
    expect(await ensureDirectory(join(folder, "a", "b"))).toBeUndefined();
    expect(ensureDirectorySync(join(folder, "c"), { mode: 0o755 })).toBe(join(folder, "c"));
    expect(fs.statSync(join(folder, "c")).mode & 0o7777).toBe(0o755);
    expect(disk.openFiles).toBe(0);
  });

  it("takes a folder away whose name could not be synced, so that the next sync is of a new one", () => {
    const folder = temporaryFolder();
    const disk = faultyFileSystem(nodeFileSystem, {
      at: 2,
      counts: ({ operation }) => operation === "syncDirectory",
    });
    const make = () => ensureDirectorySync(join(folder, "a", "b"), { fileSystem: disk });
    expect(make).toThrow(expect.objectContaining({ code: "FILE_IO" }));
    expect(fs.readdirSync(join(folder, "a"))).toEqual([]);
    expect(make()).toBe(join(folder, "a", "b"));
  });

  it("follows a symlink to a folder and refuses everything else that has the name", async () => {
    const folder = temporaryFolder();
    fs.writeFileSync(join(folder, "file"), "");
    fs.symlinkSync("nowhere", join(folder, "dangling"));
    fs.mkdirSync(join(folder, "real"));
    fs.symlinkSync("real", join(folder, "link"));
    await expect(ensureDirectory(join(folder, "file"))).rejects.toMatchObject({ code: "FILE_EXISTS" });
    await expect(ensureDirectory(join(folder, "dangling"))).rejects.toMatchObject({ code: "FILE_EXISTS" });
    await expect(ensureDirectory(join(folder, "file", "x"))).rejects.toMatchObject({
      code: "FILE_EXISTS",
      path: join(folder, "file"),
    });
    await ensureDirectory(join(folder, "link", "x"));
    expect(fs.readdirSync(join(folder, "real"))).toEqual(["x"]);
  });

  it("gives one folder to many at once", async () => {
    const folder = temporaryFolder();
    await Promise.all(Array.from({ length: 20 }, () => ensureDirectory(join(folder, "a", "b", "c"))));
    expect(fs.statSync(join(folder, "a", "b", "c")).isDirectory()).toBe(true);
  });

  it("leaves a folder whose name is not durable marked, and settles it when it is asked for again", async () => {
    for (let at = 1; ; at++) {
      const disk = crashDisk();
      const failing = faultyFileSystem(disk, { at, lasting: true });
      await ensureDirectory("/a/b/c", { fileSystem: failing }).catch(() => undefined);
      await ensureDirectory("/a/b/c", { fileSystem: disk });
      const found = disk.afterPowerLoss("synced");
      expect(found.paths()).toEqual(["/a", "/a/b", "/a/b/c"]);
      for (const path of disk.paths()) expect(disk.statSync(path)?.mode).toBe(0o700);
      if (failing.injected === 0) break;
    }
  });
});

describe("removeFile()", () => {
  it("removes a file durably, of a symlink the link, and answers false when there is none", async () => {
    const folder = temporaryFolder();
    fs.writeFileSync(join(folder, "a"), "x");
    fs.symlinkSync("a", join(folder, "link"));
    expect(await removeFile(join(folder, "link"))).toBe(true);
    expect(fs.existsSync(join(folder, "a"))).toBe(true);
    expect(await removeFile(join(folder, "a"))).toBe(true);
    expect(await removeFile(join(folder, "a"))).toBe(false);
    expect(await removeFile(join(folder, "none", "a"))).toBe(false);
    await expect(removeFile(folder)).rejects.toMatchObject({ name: "FileError" });
  });

  it("acknowledges nothing that a power loss takes back, at any call", async () => {
    for (let at = 1; ; at++) {
      const disk = crashDisk();
      disk.openSync("/a", "create").closeSync();
      disk.syncDirectorySync("/");
      const dying = faultyFileSystem(disk, { at, lasting: true });
      const acknowledged = await removeFile("/a", { fileSystem: dying }).then(
        () => true,
        () => false,
      );
      expect(disk.afterPowerLoss("synced").paths()).toEqual(acknowledged ? [] : ["/a"]);
      // Removed and not synced by one who died: the next answer of "none" is durable.
      await removeFile("/a", { fileSystem: disk });
      expect(disk.afterPowerLoss("synced").paths()).toEqual([]);
      if (acknowledged) break;
    }
  });
});
