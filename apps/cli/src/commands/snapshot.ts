import { resolve } from "node:path";
import {
  diffSnapshots,
  restoreSnapshot,
  type SnapshotManifest,
  type SnapshotStore,
  snapshotStore,
  takeSnapshot,
  verifySnapshot,
} from "@holdfast/snapshot";
import type { Context } from "../context.ts";
import { EXIT } from "../failure.ts";
import { ProgressLine } from "../progress.ts";
import { formatBytes, printable, table } from "../table.ts";

/** Keeps the content of a folder and prints its id. */
export async function take(
  context: Context,
  dir: string,
  options: { readonly include?: string[]; readonly exclude?: string[]; readonly manifestOnly?: boolean },
): Promise<number> {
  const live = new ProgressLine(context);
  const manifest = await takeSnapshot(resolve(dir), {
    store: context.store(),
    contents: options.manifestOnly !== true,
    signal: context.signal,
    include: options.include,
    exclude: options.exclude,
    onWarning: (warning) => {
      live.clear();
      void context.warn(printable(warning.message));
    },
    onProgress: ({ phase, files, bytes }) => live.update(`${phase === "read" ? "reading" : "keeping"} ${files} files, ${formatBytes(bytes)}`),
  });
  live.clear();
  const bytes = sizeOf(manifest);
  await context.result(
    { snapshot_id: manifest.snapshot_id, files: manifest.files.length, bytes, contents: options.manifestOnly !== true },
    `${manifest.snapshot_id}  ${manifest.files.length} files, ${formatBytes(bytes)}\n`,
  );
  return EXIT.done;
}

/** Lists the snapshots of the store. */
export async function list(context: Context): Promise<number> {
  let any = false;
  for await (const snapshot of snapshotStore(context.store()).list()) {
    any = true;
    const text = `${snapshot.snapshot_id}  ${snapshot.created_at.slice(0, 19).replace("T", " ")}  ${snapshot.files} files, ${formatBytes(snapshot.bytes)}`;
    if (!(await context.item(snapshot, text))) break;
  }
  if (!any) await context.note(`no snapshots in ${context.root}`);
  return EXIT.done;
}
