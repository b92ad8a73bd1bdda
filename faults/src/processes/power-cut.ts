import assert from "node:assert/strict";
import { join } from "node:path";
import type { Trial } from "../trial.ts";
import { AcknowledgedWrites } from "./acknowledged-writes.ts";
import { MountedFileSystem } from "./file-systems.ts";
import { startProgram } from "./program.ts";

const IMAGE_BYTES = 64 * 1024 * 1024;

/** What is promised of a loss of power, on a file system of the kernel. */
export const POWER: Trial = {
  name: "power cut on ext4",
  promise: "what was acknowledged is there after the file system stopped without a flush, and work goes on",
  run: async ({ isLong }) => {
    await startProgram("write-store.ts", []).ended; // later starts are quicker
    using disk = MountedFileSystem.image(IMAGE_BYTES);
    if (disk === undefined)
      return { counts: {}, skipped: "mounting an ext4 image takes root, mkfs.ext4 and loop devices" };
    const root = join(disk.path, "store");
    const writes = new AcknowledgedWrites();
    let cuts = 0;
    for (const rounds = isLong ? 100 : 4; cuts < rounds; cuts++) {
      const program = startProgram("write-store.ts", [root, String(writes.newest + 1)]);
      const until = writes.count + 2 + Math.random() * 60;
      let isCut = false;
      for await (const line of program.lines) {
        writes.hear(line);
        if (isCut || writes.count < until) continue;
        isCut = true;
        if (await disk.cutPower(program)) continue;
        program.process.kill("SIGKILL");
        await program.ended;
        return { counts: {}, skipped: "it takes perl or python3 to stop a file system" };
      }
      const { stderr } = await program.ended;
      assert.equal(stderr, "");
      assert.match(writes.ended, /^[A-Z]+_/, "the writer has to be told that its disk is gone");
      assert.ok(await disk.restart(), "the file system cannot be mounted again");
      await writes.assertThere(root);
    }
    return { counts: { "power cuts": cuts, "acknowledged writes": writes.count } };
  },
};
