// A process that restores one snapshot and the other over each other until something fails: restore-tree.ts STORE TARGET ID ID. Says what it
// begins, what is restored, and with which code it ended. Without arguments it only loads.
import { argv } from "node:process";
import { restoreSnapshot } from "@holdfast/snapshot";
import { fileStore } from "@holdfast/storage";
import { say } from "./say.ts";

const [, , root, target = "", ...ids] = argv;

if (root !== undefined) {
  await using store = fileStore(root);
  try {
    for (;;) {
      for (const id of ids) {
        say(`begun ${id}`);
        await restoreSnapshot(id, target, { store, force: true, clean: true });
        say(`restored ${id}`);
      }
    }
  } catch (error) {
    say(`ended ${error instanceof Error && "code" in error ? String(error.code) : String(error)}`);
  }
}
