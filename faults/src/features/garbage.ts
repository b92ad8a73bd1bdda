import assert from "node:assert/strict";
import { CheckpointManager, verifyCheckpoints } from "@holdfast/checkpoint";
import { openEventStream } from "@holdfast/events";
import type { FileStore } from "@holdfast/storage";
import { runStore } from "@holdfast/task-store";
// The command's own code: no package gives it away.
import { readLineage } from "../../../apps/cli/src/gc/lineage.ts";
import { removedCheckpoints } from "../../../apps/cli/src/gc/removed-checkpoints.ts";
import { withRunPlan } from "../../../apps/cli/src/gc/run-plan.ts";
import { namesIn } from "../../../apps/cli/src/gc/stored-file.ts";
import { unreferencedObjects } from "../../../apps/cli/src/gc/unreferenced-objects.ts";
import { type Feature, feature } from "../feature.ts";
import { afterCrash, withStore } from "../simulated-store.ts";

const RUN = "Tides_2agents_20260102_030405_01";
const TURNS = [1, 2, 3, 4, 5];
const OBJECTS = ["unused", "unused too"];
/** Long after everything was written. */
const RULES = { keepLast: 2, olderThanMs: 0, dryRun: false, clock: { nowMs: () => 4_000_000_000_000 } };

/** A run with checkpoints and rotated events, and contents that no snapshot names. */
async function write(store: FileStore): Promise<void> {
  const config_snapshot = {};
  await runStore(store).create({ run_id: RUN, kind: "simulation", name: "Tides", turn: 0, config_snapshot });
  await store.work.offer("runs", RUN, {});
  const checkpoints = new CheckpointManager(store, RUN, 1);
  const stream = await openEventStream(store, RUN, { onFull: "wait", rotateBytes: 300 });
  for (const turn of TURNS) {
    await checkpoints.save({ turn, water: "x".repeat(turn * 100) }, "last");
    await checkpoints.save({ turn, water: "x".repeat(turn * 100) }, "interval");
    stream.emit({ event_type: "SYSTEM", turn_number: turn, details: { status: "ok" } });
    await stream.flush();
  }
  await stream.close();
  for (const content of OBJECTS) await store.objects.put(Buffer.from(content));
}

/** What can be removed and what has to stay, by the names of the files. */
async function filesOf(store: FileStore): Promise<string[]> {
  const checkpoints = (await new CheckpointManager(store, RUN, 1).list(RUN)).map(({ path }) => path);
  const events = namesIn(store, `runs/${RUN}`).filter((name) => name.startsWith("events"));
  const objects: string[] = [];
  for await (const { checksum } of store.objects.list()) objects.push(store.locate({ object: checksum }));
  return [...checkpoints, ...events.map((name) => `runs/${RUN}/${name}`), ...objects];
}

async function collect(store: FileStore, begin: (path: string) => void, done: (path: string) => void) {
  const lineage = await readLineage(store);
  const removeAll = async ({ removals }: Awaited<ReturnType<typeof unreferencedObjects>>): Promise<void> => {
    for (const { path, remove } of removals) {
      begin(path);
      if (await remove()) done(path);
    }
  };
  for (const run of lineage.runs) await withRunPlan(store, run, lineage, RULES, removeAll);
  await removeAll(await unreferencedObjects(store, RULES));
}

interface Left {
  readonly files: readonly string[];
  /** What stays when a collection is not disturbed. */
  readonly wanted: readonly string[];
}

/** `holdfast gc`. */
export const GARBAGE: readonly Feature[] = [
  feature<string, Left>(
    "gc",
    "what is needed stays, what was removed stays away, and a collection that was cut off is completed by the next",
    {
      setup: (disk) => withStore(disk, write),
      workload: ({ fileSystem, begin, acknowledge }) =>
        withStore(fileSystem, (store) => collect(store, begin, acknowledge)),
      recover: (disk) =>
        afterCrash(disk, async (store) => {
          const files = await filesOf(store);
          const { checkpoint, fallback } = await new CheckpointManager(store, RUN, 1).load(RUN, "last");
          assert.deepEqual([checkpoint.turn, fallback], [TURNS.at(-1), undefined]);
          assert.deepEqual(await verifyCheckpoints(store, RUN), []);
          // Whoever looks for a checkpoint that is gone finds that it was removed.
          const removed = await removedCheckpoints(store, RUN);
          const turns = (await new CheckpointManager(store, RUN, 1).list(RUN)).map(({ turn }) => turn);
          for (const turn of TURNS) assert.ok(turns.includes(turn) || removed.has(turn), `turn ${turn}`);
          await collect(
            store,
            () => {},
            () => {},
          );
          return { files, wanted: await filesOf(store) };
        }),
      check: ({ recovered: { files, wanted }, begun, acknowledged }) => {
        const checkpoints = wanted.filter((path) => path.includes("/checkpoints/"));
        assert.deepEqual(
          checkpoints.map((path) => /turn_(\d+)/.exec(path)?.[1]),
          ["4", "5"],
        );
        assert.equal(wanted.length, checkpoints.length + 1, `more is left than needed: ${wanted.join(", ")}`);
        for (const path of acknowledged) assert.ok(!files.includes(path), `${path} came back`);
        for (const path of wanted) assert.ok(files.includes(path) && !begun.includes(path), `${path} went`);
      },
    },
  ),
];
