import * as fs from "node:fs";

import { SnapshotError } from "./errors.ts";

/**
 * The real path of a folder.
 *
 * @throws {SnapshotError} `SNAPSHOT_ROOT` when it is missing or no folder.
 */
export function realFolder(root: string): string {
  let real: string;
  try {
    real = fs.realpathSync(root);
    if (fs.lstatSync(real).isDirectory()) return real;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SnapshotError("SNAPSHOT_ROOT", `Cannot read folder "${root}": ${reason}`, {
      path: root,
      cause,
    });
  }
  throw new SnapshotError("SNAPSHOT_ROOT", `Cannot read folder "${root}": it is not a folder`, {
    path: root,
  });
}
