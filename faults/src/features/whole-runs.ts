import assert from "node:assert/strict";
import { CheckpointManager } from "@holdfast/checkpoint";
import { onceStore } from "@holdfast/idempotency";
import { openLedger, readLedger } from "@holdfast/ledger";
import { type Engine, resumeSimulation, runSimulation, verifySimulation } from "@holdfast/simulation";
import { type Clock, type FileStore, type Json, memoryStore } from "@holdfast/storage";
import { claimRun, listReceipts, recordReceipt, runStore } from "@holdfast/task-store";
import { type Feature, feature, whole } from "../feature.ts";
import { message, RUN, receipt } from "../records.ts";
import { afterCrash, withStore } from "../simulated-store.ts";
import { tryAgain } from "../try-again.ts";

const STEPS = [1, 2, 3];

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

/** Results that were given are not paid for again; only what was under way may be. */
function checkPaid(paid: readonly string[], begun: readonly string[]): void {
  const again = paid.filter((what) => what !== begun.at(-1) && begun.includes(what));
  assert.deepEqual(again, [], "paid twice");
}

/** How a run is worked on: once, or again by the same process when it fails. */
const WAYS = [
  { name: "", times: 1 },
  { name: ", gone on with by the same process after an error", times: 3 },
];

/** Runs as a whole. */
export const WHOLE_RUNS: readonly Feature[] = WAYS.flatMap(({ name, times }) => [
  whole(
    feature<string, string[]>(
      `a run of three steps${name}`,
      "it is gone on with to the same end: each step in ledger and receipts once, and no result that was given is made again",
      {
        workload: ({ fileSystem, begin, acknowledge }) =>
          withStore(fileSystem, async (store, clock) => {
            await tryAgain(() => goOn(store, clock, begin), times);
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
          checkPaid(recovered, begun);
        },
      },
    ),
  ),
  whole(
    feature<string, { readonly paid: readonly string[]; readonly state: string }>(
      `a simulation${name}`,
      "it is gone on with to the same final state as one that was never cut off, and no result that was given is made again",
      {
        workload: ({ fileSystem, begin, acknowledge }) =>
          withStore(fileSystem, async (store, clock) => {
            await tryAgain(() => simulate(store, clock, begin), times);
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
          checkPaid(paid, begun);
        },
      },
    ),
  ),
]);
