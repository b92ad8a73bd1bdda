import { strict as assert } from "node:assert";
import { describe, it } from "vitest";
import { crashDisk } from "./crash-disk.ts";
import { faultyFileSystem } from "./faulty-file-system.ts";
import type { FileSystem, OpenFile } from "./file-system.ts";
import { wrapFileSystem } from "./wrap-file-system.ts";

/** Makes each call of the interface once, and tells what each answered. */
async function everyCall(disk: FileSystem): Promise<unknown[]> {
  const buffer = new Uint8Array(4);
  disk.mkdirSync("/d", 0o700);
  disk.mkdirSync("/e", 0o700);
  disk.rmdirSync("/e");
  const file: OpenFile = disk.openSync("/d/a", "create", 0o600);
  const answers: unknown[] = [file.path, file.writeSync(Buffer.from("one"), 0)];
  answers.push(await file.write(Buffer.from("two"), 3), file.truncateSync(5), file.statSync().size);
  file.chmodSync(0o640);
  file.syncSync("full");
  await file.sync("data");
  file.closeSync();
  const opened = disk.openSync("/d/a", "read");
  answers.push(opened.readSync(buffer, 0), [...buffer], await opened.read(buffer, 4), [...buffer]);
  opened.closeSync();
  disk.linkSync("/d/a", "/d/b");
  disk.renameSync("/d/a", "/d/c");
  disk.unlinkSync("/d/b");
  disk.utimesSync("/d/c", 1_000_000_000n);
  disk.syncDirectorySync("/d");
  await disk.syncDirectory("/");
  const { mode, mtimeNs } = disk.lstatSync("/d/c") ?? {};
  answers.push(disk.readdirSync("/d"), disk.statSync("/d/c")?.kind, disk.realpathSync("/d/c"), mode, mtimeNs);
  return answers;
}

const CALLS =
  `mkdir mkdir rmdir open write write truncate fstat chmod sync sync close open read read close link rename unlink utimes
  syncDirectory syncDirectory lstat readdir stat realpath`.split(/\s+/u);

describe("wrapFileSystem()", () => {
  it("hands every call on, with what it was given and what it answers", async () => {
    const expected = await everyCall(crashDisk());
    const disk = crashDisk();
    assert.deepEqual(await everyCall(wrapFileSystem(disk, {})), expected);
    assert.equal(disk.afterPowerLoss("synced").text("/d/c"), "onetw");
  });

  it("runs each call in what stands around it, once, also those of files", async () => {
    const seen: string[] = [];
    const around = <T>(operation: string, _path: string, run: () => T): T => {
      seen.push(operation);
      return run();
    };
    const expected = await everyCall(crashDisk());
    assert.deepEqual(await everyCall(wrapFileSystem(crashDisk(), { sync: around, async: around })), expected);
    assert.deepEqual(seen, CALLS);
    const faulty = faultyFileSystem(crashDisk());
    assert.deepEqual(await everyCall(faulty), expected);
    assert.deepEqual(
      faulty.calls.map(({ operation }) => operation),
      CALLS,
    );
    assert.deepEqual([faulty.openFiles, faulty.bytesRead], [0, 5]);
  });

  it("does a call otherwise where the wrapper has its own, and gives files as they are when it is about names only", () => {
    const disk = crashDisk();
    const renamed: string[] = [];
    const wrapped = wrapFileSystem(disk, {
      own: {
        renameSync: (from, to) => {
          renamed.push(from, to);
          disk.renameSync(from, `${to}-own`);
        },
      },
    });
    const files: OpenFile[] = [];
    const open = disk.openSync.bind(disk);
    disk.openSync = (...call) => {
      const file = open(...call);
      files.push(file);
      return file;
    };
    const file = wrapped.openSync("/a", "create");
    assert.equal(file, files[0]);
    file.closeSync();
    wrapped.renameSync("/a", "/b");
    assert.deepEqual(renamed, ["/a", "/b"]);
    assert.deepEqual(wrapped.readdirSync("/"), ["b-own"]);
  });
});
