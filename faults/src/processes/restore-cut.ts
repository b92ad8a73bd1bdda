import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { restoreSnapshot, takeSnapshot, verifySnapshot } from "@holdfast/snapshot";
import { fileStore } from "@holdfast/storage";
import type { Trial } from "../trial.ts";
import { MountedFileSystem } from "./file-systems.ts";
import { startProgram } from "./program.ts";

const IMAGE_BYTES = 64 * 1024 * 1024;
/** Files of a workspace: some are the same in both, some differ, some are in one of them alone. */
const PATHS = ["a", "src/b", "src/c", "src/deep/d", "docs/e", "docs/f"];

function writeWorkspace(root: string, name: string): void {
  for (const path of [...PATHS, `only/${name}`]) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), path.endsWith("b") ? "the same" : `${name} ${path}\n`.repeat(500));
  }
}

/** A restore into a file system of the kernel that stops without a flush. */
export const RESTORE: Trial = {
  name: "restore into ext4 that loses power",
  promise:
    "what was restored is there, each file is of one snapshot or the other, and a second restore completes it",
  run: async ({ isLong }) => {
    await startProgram("restore-tree.ts", []).ended; // later starts are quicker
    using disk = MountedFileSystem.image(IMAGE_BYTES);
    if (disk === undefined)
      return { counts: {}, skipped: "mounting an ext4 image takes root, mkfs.ext4 and loop devices" };
    const folder = mkdtempSync(join(tmpdir(), "holdfast-restore-"));
    try {
      const target = join(disk.path, "restored");
      const root = join(folder, "store");
      const ids: string[] = [];
      await using store = fileStore(root);
      for (const name of ["one", "other"]) {
        writeWorkspace(join(folder, name), name);
        ids.push((await takeSnapshot(join(folder, name), { store })).snapshot_id);
      }
      let [cuts, restores] = [0, 0];
      for (const rounds = isLong ? 100 : 3; cuts < rounds; cuts++) {
        const program = startProgram("restore-tree.ts", [root, target, ...ids]);
        const until = 2 + Math.random() * 12;
        let [said, begun, restored, isCut] = [0, "", "", false];
        for await (const line of program.lines) {
          const [what, id = ""] = line.split(" ");
          if (what === "begun") begun = id;
          else if (what === "restored") restored = id;
          else assert.match(line, /^ended [A-Z]+_/, "it has to be told that its disk is gone");
          if (isCut || ++said < until) continue;
          isCut = true;
          if (await disk.cutPower(program)) continue;
          program.process.kill("SIGKILL");
          await program.ended;
          return { counts: {}, skipped: "it takes perl or python3 to stop a file system" };
        }
        assert.equal((await program.ended).stderr, "");
        assert.ok(await disk.restart(), "the file system cannot be mounted again");
        restores += said;
        await checkRestored(target, { ids, begun, restored }, store);
      }
      return { counts: { "power cuts": cuts, "acknowledged writes": restores } };
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

async function checkRestored(
  target: string,
  {
    ids,
    begun,
    restored,
  }: { readonly ids: readonly string[]; readonly begun: string; readonly restored: string },
  store: ReturnType<typeof fileStore>,
): Promise<void> {
  const reports = await Promise.all(
    ids.map((id) => verifySnapshot(id, { dir: target, store, contents: false })),
  );
  const [first, second] = reports.map(({ changed }) => new Set(changed.map(({ path }) => path)));
  for (const path of first ?? []) assert.ok(second?.has(path) !== true, `"${path}" is of neither snapshot`);
  const whole = ids.filter((_, index) => reports[index]?.ok === true);
  if (begun === restored) assert.deepEqual(whole, [restored], "what was restored is not there");
  await restoreSnapshot(begun, target, { store, force: true, clean: true });
  assert.ok(
    (await verifySnapshot(begun, { dir: target, store, contents: false })).ok,
    "a second restore does not complete it",
  );
}
