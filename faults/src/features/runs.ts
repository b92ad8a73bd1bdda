import assert from "node:assert/strict";
import { CheckpointManager, type NewSimulationResults, runIdGenerator } from "@holdfast/checkpoint";
import type { FileStore } from "@holdfast/storage";
import { listReceipts, type RunState, recordReceipt, runStore } from "@holdfast/task-store";
import { type Feature, feature } from "../feature.ts";
import { RUN, receipt } from "../records.ts";
import { afterCrash, withStore } from "../simulated-store.ts";

const STEPS = [1, 2, 3];

interface StepsDone {
  readonly receipts: readonly number[];
  readonly state: RunState | undefined;
}

/** Two records of each step, in one order or the other. */
function inOrder(name: string, receiptFirst: boolean): Feature {
  return feature<string, StepsDone>(
    name,
    "each acknowledged one is there, whichever came first, and neither is of a step that was not begun",
    {
      setup: (disk) =>
        withStore(disk, async (store, clock) => {
          await runStore(store, { clock }).create({
            run_id: RUN,
            kind: "workflow",
            name: "w",
            config_snapshot: {},
          });
        }),
      workload: ({ fileSystem, begin, acknowledge }) =>
        withStore(fileSystem, async (store, clock) => {
          const record = async (step: number): Promise<void> => {
            begin(`receipt ${step}`);
            await recordReceipt(store, RUN, receipt(step));
            acknowledge(`receipt ${step}`);
          };
          const update = async (step: number): Promise<void> => {
            begin(`stage ${step}`);
            await runStore(store, { clock }).update(RUN, { current_stage: String(step) });
            acknowledge(`stage ${step}`);
          };
          for (const step of STEPS) {
            if (receiptFirst) await record(step);
            await update(step);
            if (!receiptFirst) await record(step);
          }
        }),
      recover: (disk) =>
        afterCrash(disk, async (store) => ({
          receipts: (await listReceipts(store, RUN)).map(({ step }) => step),
          state: await runStore(store).load(RUN),
        })),
      check: ({ recovered: { receipts, state }, begun, acknowledged }) => {
        const found = [
          ...receipts.map((step) => `receipt ${step}`),
          ...STEPS.filter((step) => step <= Number(state?.current_stage ?? 0)).map((step) => `stage ${step}`),
        ];
        for (const one of acknowledged) assert.ok(found.includes(one), `${one} is missing`);
        for (const one of found) assert.ok(begun.includes(one), `${one} was not begun`);
      },
    },
  );
}

/** What a run is made of, in the orders in which it is written. */
export const RUNS: readonly Feature[] = [
  inOrder("receipt, then run state", true),
  inOrder("run state, then receipt", false),
  feature<string, { readonly next: string; readonly saved: boolean }>(
    "run id and results",
    "an id is given once; results are whole, and stay",
    {
      workload: ({ fileSystem, begin, acknowledge }) =>
        withStore(fileSystem, async (store, clock) => {
          begin("id");
          const id = await idOf(store);
          acknowledge(id);
          const checkpoints = new CheckpointManager(store, id, 2, { clock });
          const state = { turn: 2, water: 1 };
          await checkpoints.save(state, "last");
          await checkpoints.save(state, "final");
          begin("results");
          await checkpoints.saveResults(resultsOf(id, state));
          acknowledge("results");
        }),
      recover: (disk) =>
        afterCrash(disk, async (store) => {
          const results = await new CheckpointManager(store, FIRST_ID, 2)
            .loadResults(FIRST_ID)
            .catch((error: unknown) => {
              if ((error as { code?: string }).code === "CHECKPOINT_MISSING") return undefined;
              throw error;
            });
          return { next: await idOf(store), saved: results !== undefined };
        }),
      check: ({ recovered: { next, saved }, begun, acknowledged }) => {
        assert.ok(!acknowledged.includes(next), `${next} was given twice`);
        assert.ok(saved ? begun.includes("results") : !acknowledged.includes("results"), "the results");
      },
    },
  ),
];

const FIRST_ID = "Tides_1agents_20260102_030405_01";

/** The next id of the same second. */
function idOf(store: FileStore): Promise<string> {
  return runIdGenerator(store, { clock: () => 1_767_323_045_000_000n }).next({ name: "Tides", agents: 1 });
}

function resultsOf(id: string, state: NewSimulationResults["final_state"]): NewSimulationResults {
  const time = "2026-01-02T03:04:05.000000Z";
  return {
    run_metadata: {
      run_id: id,
      simulation_name: "Tides",
      num_agents: 1,
      start_time: time,
      end_time: time,
      checkpoint_interval: 2,
      config_snapshot: {},
    },
    checkpoints: [{ turn: 2, file: "checkpoints/turn_2.json" }],
    summary_stats: { total_turns: 2, termination_reason: "max_turns", elapsed_time_seconds: 1 },
    final_state: state,
  };
}
