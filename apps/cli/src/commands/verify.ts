import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { onceStore } from "@holdfast/idempotency";
import { snapshotStore, verifySnapshot } from "@holdfast/snapshot";
import type { FileStore } from "@holdfast/storage";
import { type RunError, runStore } from "@holdfast/task-store";
import { configOfRun, verifyRun } from "@holdfast/workflow";
import type { Context } from "../context.ts";
import { codeOf, EXIT, messageOf } from "../failure.ts";
import { ProgressLine } from "../progress.ts";
import { printable } from "../table.ts";
import { requireRun } from "./runs.ts";

/** Something that `verify` noticed, from whichever part of the store. */
interface Finding {
  /** `error`: a promise is broken. `warning`: worth a look. `info`: as it should be, but unfinished. */
  readonly severity: "error" | "warning" | "info";
  readonly kind: string;
  /** The file, with the line where there is one. */
  readonly place: string;
  readonly message: string;
  readonly meaning?: string;
  readonly run_id?: string;
}

/** Checks everything a store claims, or one run of it. */
export async function verify(
  context: Context,
  runId: string | undefined,
  options: { readonly workspace?: string },
): Promise<number> {
  const store = context.store();
  if (runId !== undefined) await requireRun(store, runId);
  const live = new ProgressLine(context);
  const findings: Finding[] = [];
  let runs = 0;
  live.update("checking files");
  findings.push(...(await filesFindings(store, runId, context.signal)));
  const listed = runId === undefined ? await listRuns(store) : { ids: [runId], damaged: [] };
  findings.push(...listed.damaged.filter(({ place }) => !findings.some((one) => isAt(one, place))));
  for (const id of listed.ids) {
    live.update(`checking ${id}`);
    runs++;
    findings.push(...(await runFindings(store, id, options.workspace, context.signal)));
  }
  let snapshots = 0;
  if (runId === undefined) {
    for (const id of await snapshotStore(store).list()) {
      live.update(`checking ${id}`);
      snapshots++;
      findings.push(...(await snapshotFindings(store, id, context.signal)));
    }
    findings.push(...(await onceFindings(store)));
  }
  live.clear();
  const workspaces = await workspacesOf(store, listed.ids, options.workspace);
  const found = withoutRepeats(findings);
  const errors = found.filter(({ severity }) => severity === "error").length;
  const warnings = found.filter(({ severity }) => severity === "warning").length;
  await context.result(
    { ok: errors === 0, runs, snapshots, workspaces, errors, warnings, findings: found },
    textOf(context, found, { runs, snapshots, workspaces, errors, warnings }),
  );
  return errors === 0 ? EXIT.done : EXIT.failed;
}

/** The folders that receipts were compared with: a copied store still names the workspace it was made in. */
async function workspacesOf(
  store: FileStore,
  ids: readonly string[],
  given: string | undefined,
): Promise<string[]> {
  if (given !== undefined) return ids.length === 0 ? [] : [resolve(given)];
  const found = new Set<string>();
  for (const id of ids) {
    try {
      const state = await runStore(store).load(id);
      if (state !== undefined) found.add(configOfRun(state).workspace);
    } catch {
      // A state that cannot be read is a finding already.
    }
  }
  return [...found];
}

async function filesFindings(
  store: FileStore,
  runId: string | undefined,
  signal: AbortSignal,
): Promise<Finding[]> {
  // Contents are read with the snapshots that need them; without a run, the ones that nothing names are read too.
  const found = await store.check({ signal, ...(runId === undefined ? {} : { prefix: `runs/${runId}/` }) });
  return found.map(({ severity, kind, path, line, message }) => ({
    severity,
    kind,
    place: line === undefined ? path : `${path}:${line}`,
    message,
  }));
}

/** The runs whose state can be read, and what stands against the others: a run that cannot be counted must not go unseen. */
async function listRuns(store: FileStore): Promise<{ ids: string[]; damaged: Finding[] }> {
  const ids: string[] = [];
  const damaged: Finding[] = [];
  const known = new Set<string>();
  const onDamaged = (id: string, error: RunError): void => {
    known.add(id);
    damaged.push(unreadable(placeOfState(store, id), error, id));
  };
  for await (const state of runStore(store).list({ onDamaged })) {
    known.add(state.run_id);
    if (state.kind === "workflow") ids.push(state.run_id);
  }
  for (const id of await foldersWithRecords(join(store.root, "runs"))) {
    if (known.has(id)) continue;
    damaged.push({
      severity: "error",
      kind: "state",
      place: placeOfState(store, id),
      message: `there is no state of run "${id}", but its folder holds a ledger or receipts`,
      meaning: "The state was removed: the run cannot be resumed or checked. Restore the file from a copy.",
      run_id: id,
    });
  }
  return { ids, damaged };
}

const placeOfState = (store: FileStore, id: string): string => store.locate({ document: `runs/${id}/run` });

/** Run folders in which something was recorded; one that a crash left empty claims nothing. */
async function foldersWithRecords(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  return names
    .filter((name) => ["ledger.ndjson", "receipts"].some((record) => existsSync(join(folder, name, record))))
    .toSorted();
}

function isAt(finding: Finding, place: string): boolean {
  return finding.place === place || finding.place.startsWith(`${place}:`);
}

async function runFindings(
  store: FileStore,
  runId: string,
  workspace: string | undefined,
  signal: AbortSignal,
): Promise<Finding[]> {
  try {
    const found = await verifyRun(store, runId, {
      signal,
      ...(workspace === undefined ? {} : { workspace: resolve(workspace) }),
    });
    return found.map((finding) => ({ ...finding, run_id: runId }));
  } catch (error) {
    signal.throwIfAborted();
    return [unreadable(store.locate({ document: `runs/${runId}/run` }), error, runId)];
  }
}

async function snapshotFindings(store: FileStore, id: string, signal: AbortSignal): Promise<Finding[]> {
  const place = store.locate({ document: `snapshots/${id}.manifest` });
  try {
    const { contents } = await verifySnapshot(id, { store, signal });
    return contents.map(({ sha256, paths, problem }) => ({
      severity: "error",
      kind: "content",
      place: store.locate({ object: sha256 }),
      message: `content ${sha256} of ${paths.join(", ")} is ${problem}`,
      meaning: `Snapshot ${id} cannot give these files back; put the object back from a copy, or take the snapshot again where the files still are.`,
    }));
  } catch (error) {
    signal.throwIfAborted();
    return [unreadable(place, error)];
  }
}

async function onceFindings(store: FileStore): Promise<Finding[]> {
  const place = store.locate({ document: "idempotency" });
  try {
    return (await onceStore(store).inDoubt()).map(({ key, started_at }) => ({
      severity: "warning",
      kind: "in_doubt",
      place,
      message: `${key} was begun at ${started_at} and its result is unknown`,
      meaning: "Asked for again, it is run again, unless a probe or a person settles it first.",
    }));
  } catch (error) {
    return [unreadable(place, error)];
  }
}

function unreadable(place: string, error: unknown, runId?: string): Finding {
  const message = messageOf(error);
  return {
    severity: "error",
    kind: codeOf(error),
    place,
    message,
    ...(runId === undefined ? {} : { run_id: runId }),
  };
}

/** One place is often seen from several sides; each is told once per place and kind, the worst first. */
function withoutRepeats(findings: readonly Finding[]): Finding[] {
  const order = { error: 0, warning: 1, info: 2 };
  const seen = new Set<string>();
  return findings
    .toSorted((a, b) => order[a.severity] - order[b.severity])
    .filter((finding) => {
      const key = `${finding.place}\n${finding.kind}\n${finding.message}`;
      if (seen.has(key)) return false;
      seen.add(key);
      return true;
    });
}

function textOf(
  context: Context,
  findings: readonly Finding[],
  counts: {
    readonly runs: number;
    readonly snapshots: number;
    readonly workspaces: readonly string[];
    readonly errors: number;
    readonly warnings: number;
  },
): string {
  const colours = { error: "red", warning: "yellow", info: "cyan" } as const;
  const told = findings.map((finding) => {
    const meaning = finding.meaning === undefined ? "" : `\n         ${printable(finding.meaning)}`;
    return `${context.style(colours[finding.severity], finding.severity.padEnd(7))}  ${printable(finding.place)}\n         ${printable(finding.message)}${meaning}\n`;
  });
  const what = `${counts.runs} ${counts.runs === 1 ? "run" : "runs"}, ${counts.snapshots} ${counts.snapshots === 1 ? "snapshot" : "snapshots"}${counts.workspaces.length === 0 ? "" : `, files in ${printable(counts.workspaces.join(", "))}`}`;
  const verdict =
    counts.errors === 0
      ? context.style("green", `checked ${what}: everything that is claimed holds`)
      : context.style(
          "red",
          `checked ${what}: ${counts.errors} ${counts.errors === 1 ? "promise is" : "promises are"} broken`,
        );
  return `${told.join("")}${verdict}${counts.warnings === 0 ? "" : `, ${counts.warnings} worth a look`}\n`;
}
