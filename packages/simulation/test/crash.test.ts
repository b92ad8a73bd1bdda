import assert from "node:assert/strict";
import { memoryStore, type Store } from "@holdfast/storage";
import { type CrashingStore, crashingStore } from "@holdfast/storage/conformance";
import { runStore } from "@holdfast/task-store";
import * as fc from "fast-check";
import { describe, it } from "vitest";
import {
  describeSimulation,
  forkSimulation,
  replaySimulation,
  resumeSimulation,
  runSimulation,
  type SimulationResult,
  verifySimulation,
} from "../src/index.ts";
import {
  checkpointNames,
  configOf,
  type Paid,
  payingParts,
  type Shape,
  stateText,
  testClock,
} from "./world.ts";

interface Outcome {
  readonly state: string;
  readonly checkpoints: readonly string[];
  readonly paid: Paid;
}

async function uninterrupted(shape: Shape): Promise<Outcome> {
  const store = memoryStore();
  const paid: Paid = [];
  const { run_id } = await runSimulation({
    config: configOf(shape),
    store,
    clock: testClock(),
    ...payingParts(paid),
  });
  return {
    state: await stateText(store, run_id, "last"),
    checkpoints: await checkpointNames(store, run_id),
    paid,
  };
}

/** Runs to the moment the power goes, and says whether it did. */
async function untilPowerOff(
  crashing: CrashingStore,
  work: () => Promise<SimulationResult>,
): Promise<boolean> {
  try {
    await work();
  } catch (error) {
    if (!crashing.isOff()) throw error;
  }
  await crashing.release();
  return crashing.isOff();
}

async function onlyRun(store: Store): Promise<string | undefined> {
  const ids: string[] = [];
  for await (const { run_id } of runStore(store).list()) ids.push(run_id);
  assert.ok(ids.length <= 1, `there are ${ids.length} runs`);
  return ids[0];
}

/** What was paid more than once: at most the calls that were under way when the power went. */
function paidAgain(paid: Paid): number {
  return paid.length - new Set(paid).size;
}

async function assertSameEnd(store: Store, runId: string, expected: Outcome): Promise<void> {
  assert.equal(await stateText(store, runId, "last"), expected.state);
  assert.deepEqual(await checkpointNames(store, runId), expected.checkpoints);
  assert.equal((await runStore(store).load(runId))?.status, "completed");
  assert.deepEqual(await verifySimulation(store, runId), []);
}

/** Whatever the state of the run tells: where it stands is what a resume goes on from. */
async function assertToldAsItIs(store: Store, runId: string): Promise<void> {
  const last = await store.documents.get(`runs/${runId}/checkpoints/last`);
  const { turn } = await describeSimulation(store, runId);
  assert.equal(turn, (last?.value as { turn?: number } | undefined)?.turn ?? 0);
  const findings = await verifySimulation(store, runId);
  assert.deepEqual(
    findings.filter(({ severity }) => severity === "error"),
    [],
  );
}

describe("a run whose power goes at any call of the store", () => {
  const shape: Shape = { maxTurns: 4, interval: 2 };

  it("ends as one that was never interrupted, and pays again for the call in flight at most", {
    timeout: 60_000,
  }, async () => {
    const expected = await uninterrupted(shape);
    const probe = crashingStore(memoryStore());
    await runSimulation({ config: configOf(shape), store: probe.store, ...payingParts([]) });
    const total = probe.calls();
    assert.ok(total > 70, `${total} calls`);
    for (let at = 1; at <= total; at += 1) {
      for (const after of probe.writes.has(at) ? [false, true] : [false]) {
        const inner = memoryStore();
        const crashing = crashingStore(inner, { at, after });
        const paid: Paid = [];
        const parts = payingParts(paid);
        const config = configOf(shape);
        assert.ok(
          await untilPowerOff(crashing, () => runSimulation({ config, store: crashing.store, ...parts })),
        );
        const runId = await onlyRun(inner);
        // Stopped before it was written down that there is a run: its user starts again.
        if (runId === undefined) continue;
        await assertToldAsItIs(inner, runId);
        const resumed = await resumeSimulation(runId, { store: inner, ...parts });
        assert.deepEqual(
          [resumed.run_id, resumed.status],
          [runId, "completed"],
          `cut at ${at}, after: ${after}`,
        );
        await assertSameEnd(inner, runId, expected);
        assert.ok(paidAgain(paid) <= 1, `cut at ${at}, after: ${after}: paid ${paid.join(", ")}`);
      }
    }
  });

  it("also when the power goes again at any call of the resume", { timeout: 60_000 }, async () => {
    const expected = await uninterrupted(shape);
    for (const first of [30, 55, 70]) {
      let ended = false;
      for (let at = 1; !ended; at += 2) {
        const inner = memoryStore();
        const paid: Paid = [];
        const parts = payingParts(paid);
        const config = configOf(shape);
        const one = crashingStore(inner, { at: first, after: true });
        assert.ok(await untilPowerOff(one, () => runSimulation({ config, store: one.store, ...parts })));
        const runId = (await onlyRun(inner)) ?? assert.fail("there is a run by then");
        const two = crashingStore(inner, { at, after: at % 4 === 1 });
        ended = !(await untilPowerOff(two, () => resumeSimulation(runId, { store: two.store, ...parts })));
        await resumeSimulation(runId, { store: inner, ...parts });
        await assertSameEnd(inner, runId, expected);
        assert.ok(paidAgain(paid) <= 2, `cuts at ${first} and ${at}: paid ${paid.join(", ")}`);
      }
    }
  });

  it("for any interval, any length and any number of cuts, and a replay agrees", {
    timeout: 60_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 6 }),
        fc.option(fc.integer({ min: 1, max: 7 }), { nil: null }),
        fc.array(fc.integer({ min: 20, max: 90 }), { maxLength: 5 }),
        async (maxTurns, interval, cuts) => {
          const arbitrary = { maxTurns, interval };
          const expected = await uninterrupted(arbitrary);
          const inner = memoryStore();
          const paid: Paid = [];
          const parts = payingParts(paid);
          let runId: string | undefined;
          for (const at of cuts) {
            const crashing = crashingStore(inner, { at, after: at % 2 === 0 });
            const { store } = crashing;
            const known: string | undefined = runId;
            await untilPowerOff(crashing, () =>
              known === undefined
                ? runSimulation({ config: configOf(arbitrary), store, ...parts })
                : resumeSimulation(known, { store, ...parts }),
            );
            runId = await onlyRun(inner);
          }
          if (runId === undefined)
            ({ run_id: runId } = await runSimulation({
              config: configOf(arbitrary),
              store: inner,
              ...parts,
            }));
          await resumeSimulation(runId, { store: inner, ...parts });
          await assertSameEnd(inner, runId, expected);
          assert.ok(paidAgain(paid) <= cuts.length);
          const replayed = await replaySimulation(runId, { store: inner, ...payingParts([]) });
          assert.equal(replayed.difference, undefined, replayed.difference?.message);
          const turns = expected.checkpoints.flatMap((name) =>
            name === "last" ? [] : [Number(name.slice(5))],
          );
          assert.deepEqual(
            replayed.checkpoints_compared,
            turns.toSorted((a, b) => a - b),
          );
        },
      ),
      { numRuns: 25 },
    );
  });
});

describe("a fork whose power goes at any call of the store", () => {
  it("leaves a run that resumes to the same end, or none", { timeout: 60_000 }, async () => {
    const shape: Shape = { maxTurns: 4, interval: 2 };
    const expected = await uninterrupted(shape);
    const parts = payingParts([]);
    for (let at = 1, ended = false; !ended; at += 1) {
      const inner = memoryStore();
      const { run_id } = await runSimulation({ config: configOf(shape), store: inner, ...parts });
      const crashing = crashingStore(inner, { at, after: true });
      // Paid anew in a fork: the same answers, for they are drawn from seed, turn and name.
      ended = !(await untilPowerOff(crashing, () =>
        forkSimulation(run_id, 2, { store: crashing.store, ...parts }),
      ));
      for await (const { run_id: id } of runStore(inner).list()) {
        if (id === run_id) continue;
        await resumeSimulation(id, { store: inner, ...parts });
        assert.equal(await stateText(inner, id, "last"), expected.state);
        assert.deepEqual(await checkpointNames(inner, id), ["last", "turn_4"]);
      }
    }
  });
});
