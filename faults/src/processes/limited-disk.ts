import assert from "node:assert/strict";
import { join } from "node:path";
import type { Trial, TrialOutcome } from "../trial.ts";
import { AcknowledgedWrites } from "./acknowledged-writes.ts";
import { MountedFileSystem } from "./file-systems.ts";
import { startProgram } from "./program.ts";

const SKIPPED = { counts: {}, skipped: "mounting takes root" };

/** Writes until it is refused. */
async function write(root: string, writes: AcknowledgedWrites): Promise<void> {
  writes.ended = "";
  const program = startProgram("write-store.ts", [root, String(writes.newest + 1)]);
  const hung = setTimeout(() => program.process.kill("SIGKILL"), 30_000);
  for await (const line of program.lines) writes.hear(line);
  clearTimeout(hung);
  assert.deepEqual(await program.ended, { code: 0, signal: null, stderr: "" });
}

/** Fills a file system, makes room, fills it again. */
async function fill(first: string, more: readonly string[], codes: RegExp): Promise<TrialOutcome> {
  using disk = MountedFileSystem.inMemory(first);
  if (disk === undefined) return SKIPPED;
  const root = join(disk.path, "store");
  const writes = new AcknowledgedWrites();
  let fills = 0;
  for (const limits of [...more, undefined]) {
    const before = writes.count;
    await write(root, writes);
    fills++;
    assert.match(writes.ended, codes);
    assert.ok(writes.count > before, "room was made, and nothing more was written");
    await writes.assertThere(root, false); // also while it is full
    if (limits !== undefined) assert.ok(disk.change(limits));
  }
  assert.ok(disk.change("size=100m,nr_inodes=100000"));
  await writes.assertThere(root);
  return { counts: { fills, "acknowledged writes": writes.count } };
}

/** What is promised of disks with an end. */
export const DISKS: readonly Trial[] = [
  {
    name: "full disk",
    promise:
      "a disk that fills acknowledges nothing false, is read all the same, and goes on once there is room",
    run: ({ isLong }) =>
      fill(
        "size=300k",
        Array.from({ length: isLong ? 30 : 3 }, (_, n) => `size=${500 + n * 137}k`),
        /^STORE_NO_SPACE$/,
      ),
  },
  {
    name: "no inodes",
    promise: "the same where there is room for bytes, and none for files",
    run: ({ isLong }) =>
      fill(
        "size=20m,nr_inodes=60",
        Array.from({ length: isLong ? 30 : 3 }, (_, n) => `nr_inodes=${120 + n * 41}`),
        /^STORE_NO_SPACE$/,
      ),
  },
  {
    name: "read-only disk",
    promise: "a disk that turns read-only refuses what is written and gives what is read",
    run: async () => {
      using disk = MountedFileSystem.inMemory("size=300k");
      if (disk === undefined) return SKIPPED;
      const root = join(disk.path, "store");
      const writes = new AcknowledgedWrites();
      await write(root, writes);
      const before = writes.count;
      assert.ok(disk.change("ro"));
      await write(root, writes);
      assert.equal(writes.count, before);
      assert.equal(writes.ended, "STORE_READ_ONLY");
      await writes.assertThere(root, false);
      assert.ok(disk.change("rw,size=500k"));
      await write(root, writes);
      assert.ok(writes.count > before);
      await writes.assertThere(root, false);
      return { counts: { "acknowledged writes": writes.count } };
    },
  },
];
