import { join } from "node:path";
import { CheckpointError, CheckpointManager, type LoadedCheckpoint } from "@holdfast/checkpoint";
import { nodeFileSystem, syncDirectory } from "@holdfast/fsutil";
import type { Claim, FileStore } from "@holdfast/storage";
import { claimRun, RUNS_QUEUE, type RunState, runStore } from "@holdfast/task-store";
import { storedDocument } from "../gc/stored-file.ts";

/** A last checkpoint that can be made again, or was. */
export interface LastRepair {
  /** Path below the root. */
  readonly path: string;
  readonly message: string;
}

/**
 * Makes a damaged or missing `last` again from the newest whole checkpoint of the run. What stands there is moved aside, never removed; the state of the run
 * then tells of that turn.
 *
 * @param options - `dryRun`: only says what would be done.
 * @returns `undefined` when `last` is whole, or nothing is there that it could be made from.
 * @throws {RunError} `RUN_HELD` when somebody works on the run.
 */
export async function repairLast(
  store: FileStore,
  run: RunState,
  options: { readonly dryRun: boolean },
): Promise<LastRepair | undefined> {
  const before = await loadQuietly(store, run.run_id);
  if (before?.fallback === undefined) return undefined;
  const { run_id: runId } = run;
  const path = store.locate({ document: `runs/${runId}/checkpoints/last` });
  const reason = before.fallback.message;
  if (options.dryRun) {
    const held = await store.work.holder(RUNS_QUEUE, runId);
    const when = held === undefined ? "" : `, once process ${held.pid ?? "?"} is done with it`;
    return { path, message: `${reason}: would be made again from turn ${before.checkpoint.turn}${when}` };
  }
  // A completed run is settled: nobody claims it, and nobody writes it.
  const claim = await claimRun(store, runId);
  try {
    // Whoever held it until now may have mended it.
    const loaded = await loadQuietly(store, runId);
    if (loaded?.fallback === undefined) return undefined;
    const aside = await moveAside(store, runId);
    await writeLast(store, run, loaded, claim);
    const kept = aside === undefined ? "" : `; what stood there is kept as "${aside}"`;
    return { path, message: `${reason}: made again from turn ${loaded.checkpoint.turn}${kept}` };
  } finally {
    if (claim !== undefined) await store.work.settle(claim, "ready");
  }
}

/** What would be loaded as `last`; `undefined` when nothing can be. */
async function loadQuietly(store: FileStore, runId: string): Promise<LoadedCheckpoint | undefined> {
  try {
    return await new CheckpointManager(store, runId, null).load(runId, "last");
  } catch (error) {
    // Nothing whole is there, or a newer version wrote it: nothing to make it from, or no reason to.
    if (error instanceof CheckpointError) return undefined;
    throw error;
  }
}

async function writeLast(
  store: FileStore,
  run: RunState,
  { checkpoint }: LoadedCheckpoint,
  claim: Claim | undefined,
): Promise<void> {
  const fenced = claim === undefined ? {} : { fence: claim };
  const manager = new CheckpointManager(store, run.run_id, null, fenced);
  await manager.save(checkpoint.state, "last", { random: checkpoint.random });
  if (run.turn !== checkpoint.turn)
    await runStore(store).update(run.run_id, { turn: checkpoint.turn }, fenced);
}

/** Renames the file to the next free `.corrupt` name; in which form it is kept does not matter. Durable when it resolves. */
async function moveAside(store: FileStore, runId: string): Promise<string | undefined> {
  const key = `runs/${runId}/checkpoints/last`;
  if (storedDocument(store, key) === undefined) return undefined;
  const plain = store.locate({ document: key });
  let told: string | undefined;
  for (const relative of [plain, `${plain}.zst`]) {
    const path = join(store.root, relative);
    if (nodeFileSystem.lstatSync(path) === undefined) continue;
    let aside = `${relative}.corrupt`;
    for (let number = 2; nodeFileSystem.lstatSync(join(store.root, aside)) !== undefined; number++)
      aside = `${relative}.${number}.corrupt`;
    nodeFileSystem.renameSync(path, join(store.root, aside));
    told ??= aside;
  }
  await syncDirectory(join(store.root, "runs", runId, "checkpoints"));
  return told;
}
