import assert from "node:assert/strict";
import { CheckpointManager, type NewSimulationResults, runIdGenerator } from "@holdfast/checkpoint";
import { onceStore } from "@holdfast/idempotency";
import { openLedger, readLedger } from "@holdfast/ledger";
import { type Engine, resumeSimulation, runSimulation, verifySimulation } from "@holdfast/simulation";
import { type Clock, type FileStore, type Json, memoryStore } from "@holdfast/storage";
import { claimRun, listReceipts, type RunState, recordReceipt, runStore } from "@holdfast/task-store";
import { type Feature, feature, whole } from "../feature.ts";
import { message, RUN, receipt } from "../records.ts";
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

/** A run of three pieces of work, begun or gone on with: each is recorded before the next. */
async function goOn(store: FileStore, clock: Clock, pay: (step: string) => void): Promise<void> {
  const runs = runStore(store, { clock });
  if ((await runs.load(RUN)) === undefined)
    await runs.create({ run_id: RUN, kind: "workflow", name: "w", config_snapshot: {} });
  if ((await runs.load(RUN))?.status === "completed") return;
  await store.work.offer("runs", RUN, {});
  const fence = (await claimRun(store, RUN)) ?? assert.fail("the run is not there to be claimed");
  const ledger = await openLedger(store, RUN, { fence, clock });
  const said: string[] = [];
  for await (const { message: known } of ledger.replay()) if (known.kind === "log") said.push(known.message);
  const once = onceStore(store, { fence, clock, worker: "me" });
  for (const step of STEPS) {
    const result = await once.once(`step ${step}`, {}, () => {
      pay(`step ${step}`);
      return `result ${step}`;
    });
    assert.equal(result, `result ${step}`);
    if (!said.includes(result)) await ledger.append(message(result));
    await recordReceipt(store, RUN, receipt(step), { fence });
    await runs.update(RUN, { current_stage: String(step) }, { fence });
  }
  await ledger.close();
  await runs.complete(RUN, { fence });
  await store.work.settle(fence, "ready");
}

/** What a run came to. */
async function outcomeOf(store: FileStore): Promise<void> {
  const said: string[] = [];
  for await (const { message: known } of readLedger(store, RUN).replay())
    if (known.kind === "log") said.push(known.message);
  assert.deepEqual(said, ["result 1", "result 2", "result 3"]);
  assert.deepEqual((await readLedger(store, RUN).verifyChain()).findings, []);
  assert.deepEqual(
    (await listReceipts(store, RUN)).map(({ step }) => step),
    STEPS,
  );
  const state = await runStore(store).load(RUN);
  assert.deepEqual([state?.status, state?.current_stage], ["completed", "3"]);
}

const RUN_OPTIONS = {
  config: {
    simulation: {
      name: "Tides",
      max_turns: 4,
      checkpoint_interval: 2,
      seed: 7,
      verbosity: "MILESTONE" as const,
    },
    agents: [],
    engine: { type: "tides" },
  },
};

/** An engine whose state says everything that it drew and was told. */
function engineOf(pay: (what: string) => void): Engine {
  return {
    countAgents: () => 1,
    init: () => ({ water: 10, told: [] }),
    step: async (state, ctx) => {
      const told = await ctx.once("ask", () => {
        pay(`turn ${ctx.turn}`);
        return `advice ${ctx.turn}`;
      });
      return {
        ...state,
        water: Number(state["water"]) + ctx.random(),
        told: [...(state["told"] as Json[]), told],
      };
    },
  };
}

/** The state that the run ends with when nothing happens to it, as text. */
const finalState = (async () => {
  const store = memoryStore();
  const { run_id } = await runSimulation({ ...RUN_OPTIONS, store, engine: engineOf(() => {}) });
  const { checkpoint } = await new CheckpointManager(store, run_id, 2).load(run_id, "last");
  return JSON.stringify(checkpoint.state);
})();

/** Goes on with the run that is there, or begins one. */
async function simulate(store: FileStore, clock: Clock, pay: (what: string) => void): Promise<string> {
  const engine = engineOf(pay);
  const known: string[] = [];
  for await (const { run_id } of runStore(store).list()) known.push(run_id);
  const [id] = known;
  const { run_id, status } =
    id === undefined
      ? await runSimulation({ ...RUN_OPTIONS, store, clock, engine })
      : (await runStore(store).load(id))?.status === "completed"
        ? { run_id: id, status: "completed" }
        : await resumeSimulation(id, { store, clock, engine });
  assert.equal(status, "completed");
  return run_id;
}

/** Runs as a whole. */
export const RUNS: readonly Feature[] = [
  inOrder("receipt, then run state", true),
  inOrder("run state, then receipt", false),
  whole(
    feature<string, string[]>(
      "a run of three steps",
      "it is gone on with to the same end: each step in ledger and receipts once, and no result that was given is made again",
      {
        workload: ({ fileSystem, begin, acknowledge }) =>
          withStore(fileSystem, async (store, clock) => {
            await goOn(store, clock, begin);
            acknowledge("completed");
          }),
        recover: (disk) =>
          afterCrash(disk, async (store, clock) => {
            const paid: string[] = [];
            await goOn(store, clock, (step) => paid.push(step));
            await outcomeOf(store);
            return paid;
          }),
        check: ({ recovered, begun, acknowledged }) => {
          if (acknowledged.length > 0) assert.deepEqual(recovered, []);
          // Only the step that was under way may be paid twice.
          const again = recovered.filter((step) => begun.slice(0, -1).includes(step));
          assert.deepEqual(again, [], "paid twice");
        },
      },
    ),
  ),
  whole(
    feature<string, { readonly paid: readonly string[]; readonly state: string }>(
      "a simulation",
      "it is gone on with to the same final state as one that was never cut off, and no result that was given is made again",
      {
        workload: ({ fileSystem, begin, acknowledge }) =>
          withStore(fileSystem, async (store, clock) => {
            await simulate(store, clock, begin);
            acknowledge("completed");
          }),
        recover: (disk) =>
          afterCrash(
            disk,
            async (store, clock) => {
              const paid: string[] = [];
              const id = await simulate(store, clock, (what) => paid.push(what));
              const { checkpoint, fallback } = await new CheckpointManager(store, id, 2).load(id, "last");
              assert.equal(fallback, undefined);
              assert.deepEqual(await verifySimulation(store, id), []);
              return { paid, state: JSON.stringify(checkpoint.state) };
            },
            "events.jsonl",
          ),
        check: async ({ recovered: { paid, state }, begun, acknowledged }) => {
          assert.equal(state, await finalState);
          if (acknowledged.length > 0) assert.deepEqual(paid, []);
          const again = paid.filter((what) => begun.slice(0, -1).includes(what));
          assert.deepEqual(again, [], "paid twice");
        },
      },
    ),
  ),
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
