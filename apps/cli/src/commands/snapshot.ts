import { resolve } from "node:path";
import {
  diffSnapshots,
  restoreSnapshot,
  type SnapshotManifest,
  snapshotSize,
  snapshotStore,
  takeSnapshot,
  verifySnapshot,
} from "@holdfast/snapshot";
import type { Context } from "../context.ts";
import { EXIT } from "../failure.ts";
import { ProgressLine } from "../progress.ts";
import { formatBytes, printable, table } from "../table.ts";
import { keepYoungGenerationSmall } from "../young-generation.ts";

/** Keeps the content of a folder and prints its id. */
export async function take(
  context: Context,
  dir: string,
  options: { readonly include?: string[]; readonly exclude?: string[]; readonly manifestOnly?: boolean },
): Promise<number> {
  keepYoungGenerationSmall();
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
    onProgress: ({ phase, files, bytes }) =>
      live.update(`${phase === "read" ? "reading" : "keeping"} ${files} files, ${formatBytes(bytes)}`),
  });
  live.clear();
  const { files, bytes } = snapshotSize(manifest);
  await context.result(
    {
      snapshot_id: manifest.snapshot_id,
      files,
      bytes,
      contents: options.manifestOnly !== true,
    },
    `${manifest.snapshot_id}  ${files} files, ${formatBytes(bytes)}\n`,
  );
  return EXIT.done;
}

/** Lists the snapshots of the store. */
export async function list(context: Context): Promise<number> {
  const snapshots = snapshotStore(context.store());
  const ids = await snapshots.list();
  for (const id of ids) {
    const { created_at, files, contents } = await snapshots.load(id);
    const summary = {
      snapshot_id: id,
      created_at,
      files: files.length,
      bytes: sizeOf({ files }),
      contents: contents === true,
    };
    const text = `${id}  ${created_at.slice(0, 19).replace("T", " ")}  ${summary.files} files, ${formatBytes(summary.bytes)}${summary.contents ? "" : "  (manifest only)"}`;
    if (!(await context.item(summary, text))) break;
  }
  if (ids.length === 0) await context.note(`no snapshots in ${context.root}`);
  return EXIT.done;
}

/** The files of a snapshot. */
export async function show(context: Context, id: string): Promise<number> {
  keepYoungGenerationSmall();
  const manifest = await snapshotStore(context.store()).load(id);
  const rows = manifest.files.map((file) => [file.sha256, formatBytes(file.size), printable(file.path)]);
  await context.result(manifest, `${id}  ${manifest.created_at}\n${table(rows)}`);
  return EXIT.done;
}

/** What differs between two snapshots. */
export async function diff(context: Context, a: string, b: string): Promise<number> {
  keepYoungGenerationSmall();
  const snapshots = snapshotStore(context.store());
  const found = diffSnapshots(await snapshots.load(a), await snapshots.load(b));
  const lines = [
    ...found.added.map(({ path }) => `${context.style("green", "added   ")}  ${printable(path)}`),
    ...found.removed.map(({ path }) => `${context.style("red", "removed ")}  ${printable(path)}`),
    ...found.changed.map(({ path }) => `${context.style("yellow", "changed ")}  ${printable(path)}`),
    ...found.renamed.map(
      ({ from, to }) => `${context.style("cyan", "renamed ")}  ${printable(from)} -> ${printable(to)}`,
    ),
  ];
  await context.result(found, lines.length === 0 ? "no difference\n" : `${lines.join("\n")}\n`);
  return EXIT.done;
}

/** Checks a snapshot's stored contents, and a folder against it. */
export async function verify(context: Context, id: string, dir: string | undefined): Promise<number> {
  keepYoungGenerationSmall();
  const live = new ProgressLine(context);
  const report = await verifySnapshot(id, {
    store: context.store(),
    signal: context.signal,
    ...(dir === undefined ? {} : { dir: resolve(dir) }),
    onProgress: ({ phase, done, total }) => live.update(`checking ${phase} ${done} of ${total}`),
  });
  live.clear();
  const lines = [
    ...report.missing.map((path) => `missing   ${printable(path)}`),
    ...report.changed.map(
      ({ path, expected, actual }) =>
        `changed   ${printable(path)}: ${expected}, found ${actual ?? "nothing readable"}`,
    ),
    ...report.extra.map((path) => `extra     ${printable(path)}`),
    ...report.contents.map(
      ({ problem, sha256, paths, message }) =>
        `${problem.padEnd(8)}  ${sha256} (${printable(paths.join(", "))}): ${printable(message)}`,
    ),
  ];
  await context.result(report, report.ok ? `${id} holds\n` : `${lines.join("\n")}\n`);
  return report.ok ? EXIT.done : EXIT.failed;
}

/** Writes a snapshot's files into a folder. */
export async function restore(
  context: Context,
  id: string,
  dir: string,
  options: { readonly force?: boolean; readonly dryRun?: boolean },
): Promise<number> {
  keepYoungGenerationSmall();
  const live = new ProgressLine(context);
  const report = await restoreSnapshot(id, resolve(dir), {
    store: context.store(),
    signal: context.signal,
    force: options.force === true,
    dryRun: options.dryRun === true,
    onProgress: ({ phase, done, total }) =>
      live.update(`${phase === "check" ? "checking" : "restoring"} ${done} of ${total} files`),
  });
  live.clear();
  const verb = options.dryRun === true ? "would write" : "wrote";
  await context.result(
    report,
    `${verb} ${report.written.length} ${report.written.length === 1 ? "file" : "files"}, ${report.unchanged} were as they should be${report.extra.length === 0 ? "" : `; ${report.extra.length} others were left alone`}\n`,
  );
  return EXIT.done;
}

function sizeOf({ files }: Pick<SnapshotManifest, "files">): number {
  return files.reduce((sum, file) => sum + file.size, 0);
}
