import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import { join } from "node:path";
import { temporaryFolders } from "@holdfast/test-kit";
import { describe, expect, it } from "vitest";
import { crashDisk, type FaultPlan, faultyFileSystem } from "../src/faults.ts";
import {
  FileError,
  type FileSystem,
  nodeFileSystem,
  removeLeftovers,
  syncDirectory,
  wrapFileSystem,
  writeFileAtomic,
  writeFileAtomicSync,
} from "../src/index.ts";
import { SyncPace } from "../src/sync-pace.ts";

const temporaryFolder = temporaryFolders();

async function* inPieces(text: string) {
  for (let at = 0; at < text.length; at += 3) yield text.slice(at, at + 3);
}

type Save = (path: string, text: string, fileSystem: FileSystem) => Promise<void>;
const ways: Record<string, Save> = {
  writeFileAtomic: (path, text, fileSystem) => writeFileAtomic(path, text, { fileSystem, mode: 0o640 }),
  writeFileAtomicSync: async (path, text, fileSystem) => writeFileAtomicSync(path, text, { fileSystem }),
  "writeFileAtomic, synced in place": async (path, text, fileSystem) => {
    const syncPace = new SyncPace();
    await syncPace.sync(
      () => undefined,
      async () => undefined,
    );
    await writeFileAtomic(path, text, { fileSystem: wrapFileSystem(fileSystem, { own: { syncPace } }) });
  },
  "writeFileAtomic of pieces": (path, text, fileSystem) =>
    writeFileAtomic(path, inPieces(text), { fileSystem }),
};
const plans: Record<string, FaultPlan> = {
  ...Object.fromEntries(
    ["EIO", "ENOSPC", "EROFS", "EDQUOT", "EMFILE"].flatMap((errno) => [
      [`${errno} once`, { errno }],
      [`${errno} from then on`, { errno, lasting: true }],
    ]),
  ),
  "an error after the effect": { afterEffect: true },
  "a short write once": { shortWrites: true, counts: ({ operation }) => operation === "write" },
  "short writes from then on": {
    shortWrites: true,
    lasting: true,
    counts: ({ operation }) => operation === "write",
  },
};
const codes = new Map([
  ["EIO", "FILE_IO"],
  ["ENOSPC", "FILE_NO_SPACE"],
  ["EDQUOT", "FILE_NO_SPACE"],
  ["EROFS", "FILE_READ_ONLY"],
  ["EMFILE", "FILE_IO"],
]);

/** Where a fault is tried, and what is found there afterwards. */
interface Place {
  readonly fileSystem: FileSystem;
  readonly folder: string;
  text(path: string): string | undefined;
  paths(): string[];
}

function onDisk(folder: string): Place {
  return {
    fileSystem: nodeFileSystem,
    folder,
    text: (path) => (fs.existsSync(path) ? fs.readFileSync(path, "utf8") : undefined),
    paths: () =>
      fs.readdirSync(folder, { recursive: true, encoding: "utf8" }).map((path) => join(folder, path)),
  };
}

function inMemory(): Place {
  const disk = crashDisk();
  disk.mkdirSync("/home", 0o700);
  return { fileSystem: disk, folder: "/home", text: (path) => disk.text(path), paths: () => disk.paths() };
}

async function tryEveryCall(
  save: Save,
  name: string,
  plan: FaultPlan,
  place: Place,
  existing: boolean,
): Promise<number> {
  for (let at = 1; ; at++) {
    // A new folder each time, so that its parents are missing again.
    const path = join(place.folder, `${existing}-${at}`, "below", "doc.json");
    if (existing) writeFileAtomicSync(path, "old", { fileSystem: place.fileSystem });
    const old = existing ? "old" : undefined;
    const disk = faultyFileSystem(place.fileSystem, { ...plan, at });
    let failure: unknown;
    try {
      await save(path, "the new content", disk);
    } catch (error) {
      failure = error;
    }
    const where = `${name}, call ${at} (${disk.calls[at - 1]?.operation})`;
    const content = place.text(path);
    assert.equal(disk.openFiles, 0, where);
    if (failure === undefined) assert.equal(content, "the new content", where);
    if (disk.injected === 0) {
      assert.equal(failure, undefined);
      return at;
    }
    // Something else than what was asked for is not there, whatever failed.
    assert.ok(content === old || content === "the new content", `${where}: ${content}`);
    if (failure !== undefined) {
      assert.ok(failure instanceof FileError && failure.path.startsWith(place.folder), where);
      assert.equal(
        failure.code,
        plan.shortWrites === true ? "FILE_NO_SPACE" : codes.get(plan.errno ?? "EIO"),
        where,
      );
      if (!disk.calls.some(({ operation }) => operation === "rename")) assert.equal(content, old, where);
    }
    const left = place.paths().filter((entry) => entry.includes(".tmp."));
    // Where unlink() itself could not work the file stays, for removeLeftovers().
    if (plan.lasting !== true || plan.shortWrites === true) assert.deepEqual(left, [], where);
    for (const entry of left) place.fileSystem.unlinkSync(entry);
  }
}

describe.each(Object.entries(ways))("%s", (_, save) => {
  it.each(Object.entries(plans))(
    "survives %s at every call: old or new and whole, no false success",
    async (name, plan) => {
      const places =
        name === "EIO once" || name === "ENOSPC from then on"
          ? [onDisk(temporaryFolder()), inMemory()]
          : [inMemory()];
      for (const place of places)
        for (const existing of [true, false])
          expect(await tryEveryCall(save, name, plan, place, existing)).toBeGreaterThan(1);
    },
  );

  it("never acknowledges a failed sync of content or folder, though the next would succeed", async () => {
    for (const operation of ["sync", "syncDirectory"]) {
      for (let at = 1; ; at++) {
        const folder = temporaryFolder();
        const path = join(folder, "a", "b", "doc.json");
        const disk = faultyFileSystem(nodeFileSystem, { at, counts: (call) => call.operation === operation });
        const saved = await save(path, "new", disk).then(
          () => true,
          () => false,
        );
        expect(saved).toBe(disk.injected === 0);
        // A sync that failed is not tried again within the same write.
        if (disk.injected === 1) assert.equal(disk.calls.length, at);
        if (saved) break;
      }
    }
  });

  it("loses nothing to a power loss at any call: what was acknowledged is there, what was not is old or new", async () => {
    for (const existing of [true, false]) {
      for (let at = 1; ; at++) {
        const disk = crashDisk();
        disk.mkdirSync("/home", 0o700);
        disk.syncDirectorySync("/");
        const path = existing ? "/home/doc.json" : "/home/made/below/doc.json";
        if (existing) await save(path, "old", disk);
        // From call `at` on nothing happens any more: the machine is off.
        const dying = faultyFileSystem(disk, { at, lasting: true });
        const acknowledged = await save(path, "the new content", dying).then(
          () => true,
          () => false,
        );
        expect(acknowledged).toBe(dying.injected === 0);
        for (const kept of ["synced", "names", "everything"] as const) {
          const found = disk.afterPowerLoss(kept);
          const where = `call ${at}, ${kept}`;
          const allowed = acknowledged
            ? ["the new content"]
            : [existing ? "old" : undefined, "the new content"];
          assert.ok(allowed.includes(found.text(path)), where);
          // And the next one goes on from whatever it finds, again durably.
          await save(path, "a later content", found);
          assert.equal(found.afterPowerLoss("synced").text(path), "a later content", where);
        }
        if (acknowledged) break;
      }
    }
  });

  it("does not trust a folder whose name could not be synced: the next write syncs it, then survives a power loss", async () => {
    for (let at = 1; ; at++) {
      const disk = crashDisk();
      const failing = faultyFileSystem(disk, { at });
      await save("/a/b/c/doc.json", "first", failing).catch(() => undefined);
      await save("/a/b/c/doc.json", "second", disk);
      assert.equal(disk.afterPowerLoss("synced").text("/a/b/c/doc.json"), "second", `call ${at}`);
      if (failing.injected === 0) break;
    }
  });
});

describe("syncDirectory()", () => {
  it("tolerates a file system that cannot sync folders, and no other error", async () => {
    const folder = temporaryFolder();
    for (const errno of ["EINVAL", "ENOTSUP", "EOPNOTSUPP"]) {
      const disk = () =>
        faultyFileSystem(nodeFileSystem, {
          errno,
          at: 1,
          lasting: true,
          counts: ({ operation }) => operation === "syncDirectory",
        });
      await syncDirectory(folder, { fileSystem: disk() });
      await writeFileAtomic(join(folder, "new", "a"), errno, { fileSystem: disk() });
      expect(fs.readFileSync(join(folder, "new", "a"), "utf8")).toBe(errno);
    }
    const broken = faultyFileSystem(nodeFileSystem, { errno: "EIO", at: 1 });
    await expect(syncDirectory(folder, { fileSystem: broken })).rejects.toMatchObject({ code: "FILE_IO" });
    await expect(syncDirectory(join(folder, "none"))).rejects.toMatchObject({ code: "FILE_MISSING" });
  });
});

describe("a full disk", () => {
  it.skipIf(!fs.existsSync("/dev/full"))(
    "answers ENOSPC as FILE_NO_SPACE, with the system's error as its cause",
    async () => {
      const disk: FileSystem = {
        ...nodeFileSystem,
        // The real /dev/full: it takes no byte.
        openSync: (path, mode, permissions, options) =>
          path.includes(".tmp.")
            ? nodeFileSystem.openSync("/dev/full", "update")
            : nodeFileSystem.openSync(path, mode, permissions, options),
      };
      const folder = temporaryFolder();
      await expect(writeFileAtomic(join(folder, "a"), "x", { fileSystem: disk })).rejects.toMatchObject({
        code: "FILE_NO_SPACE",
        cause: { code: "ENOSPC" },
      });
      expect(await removeLeftovers(folder)).toEqual([]);
    },
  );
});
