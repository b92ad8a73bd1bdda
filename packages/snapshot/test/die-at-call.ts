// Takes or restores a snapshot, and dies by SIGKILL at the n-th call to the file system that the test counts.
import { nodeFileSystem } from "@holdfast/fsutil";
import { faultyFileSystem } from "@holdfast/fsutil/faults";
import { fileStore } from "@holdfast/storage";
import { restoreSnapshot, takeSnapshot } from "../src/index.ts";

const [, , at, what, root = "", ...rest] = process.argv;
const CHANGES = new Set([
  "open",
  "rename",
  "link",
  "unlink",
  "mkdir",
  "rmdir",
  "write",
  "sync",
  "syncDirectory",
  "chmod",
]);

const fileSystem = faultyFileSystem(nodeFileSystem, {
  counts: ({ operation }) => CHANGES.has(operation),
  beforeCall: ({ number }) => {
    if (number === Number(at)) process.kill(process.pid, "SIGKILL");
  },
});

if (what === "take") {
  await using store = fileStore(root, { fileSystem });
  await takeSnapshot(rest[0] ?? "", { store });
} else {
  await using store = fileStore(root);
  await restoreSnapshot(rest[0] ?? "", rest[1] ?? "", { store, force: true, fileSystem });
}
