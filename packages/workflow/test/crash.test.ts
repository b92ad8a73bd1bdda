import assert from "node:assert/strict";
import { type CrashingStore, type Cut, crashingStore } from "@holdfast/storage/conformance";
import { receiptSchema } from "@holdfast/task-store";
import * as fc from "fast-check";
import { describe, it } from "vitest";
import { resumeWorkflow, runWorkflow, verifyRun, WorkflowError, type WorkflowResult } from "../src/index.ts";
import { World } from "./world.ts";

/** Starts a run, or takes it up again, on a store whose power may go off. */
async function go(world: World, crashing: CrashingStore): Promise<WorkflowResult> {
  const { store } = crashing;
  try {
    return await resumeWorkflow(world.runId, { store, ...world.common });
  } catch (error) {
    if (!(error instanceof WorkflowError) || error.code !== "WORKFLOW_RUN_MISSING") throw error;
  }
  // Cut off before the run was known: its id is taken, and a user begins again.
  world.runId = `${world.runId.slice(0, -1)}${Number(world.runId.at(-1)) + 1}`;
  return runWorkflow({ config: world.config, runId: world.runId, store, ...world.common });
}

/** Goes on until the power goes off; returns the result when it does not. */
async function until(
  world: World,
  cut: Cut | undefined,
  first: boolean,
): Promise<WorkflowResult | undefined> {
  const crashing = crashingStore(world.store, cut);
  try {
    const result = first
      ? await runWorkflow({
          config: world.config,
          runId: world.runId,
          store: crashing.store,
          ...world.common,
        })
      : await go(world, crashing);
    assert.equal(crashing.isOff(), false, "the power went off, and the run says it ended well");
    return result;
  } catch (error) {
    if (!crashing.isOff()) throw error;
    await crashing.release();
    return undefined;
  }
}

/** Steps that are settled and have a receipt: they must not be sent again. */
async function finishedKeys(world: World): Promise<Set<string>> {
  const settled = new Set<string>();
  for (const line of await world.ledger()) {
    const message = JSON.parse(line);
    if (message.kind === "event" && message.event !== "artifact.produced")
      settled.add(message.correlation_id);
  }
  const keys = new Set<string>();
  for (const { key } of (await world.store.documents.list(`runs/${world.runId}/receipts/`)).items) {
    const receipt = receiptSchema.parse((await world.store.documents.get(key))?.value);
    if (settled.has(receipt.correlation_id)) keys.add(receipt.idempotency_key);
  }
  return keys;
}

/** What was done, and under which keys. */
const shape = (one: World) => [...new Set(one.agents.sent.map(({ key, action }) => `${action} ${key}`))];

async function survives(cuts: readonly Cut[], expected: World): Promise<boolean> {
  using world = new World();
  let result: WorkflowResult | undefined;
  for (const [index, cut] of [...cuts, undefined].entries()) {
    const runId = world.runId;
    const before = await world.ledger();
    const finished = await finishedKeys(world);
    const sent = world.agents.sent.length;
    result = await until(world, cut, index === 0);
    if (runId === world.runId) {
      assert.deepEqual(
        (await world.ledger()).slice(0, before.length),
        before,
        "an acknowledged line was changed or lost",
      );
      const again = world.agents.sent.slice(sent).filter((one) => finished.has(one.key));
      assert.deepEqual(again, [], "a finished step was sent again");
    }
    if (result !== undefined) break;
  }
  assert.equal(result?.status, "completed");
  assert.deepEqual(await verifyRun(world.store, world.runId), []);
  assert.deepEqual(world.files(), expected.files());
  assert.deepEqual(shape(world), shape(expected), "the work had other keys than in a run without a crash");
  const correlations = new Map<string, Set<string>>();
  for (const { key, correlation } of world.agents.sent)
    correlations.set(key, (correlations.get(key) ?? new Set()).add(correlation));
  const transcript = (await world.transcript()).map((line) => Number.parseInt(line, 10));
  assert.deepEqual(
    transcript,
    transcript.toSorted((a, b) => a - b),
  );
  assert.equal(new Set(transcript).size, transcript.length, "the story tells a line twice");
  const told = (await world.ledger())
    .map((line) => JSON.parse(line))
    .filter((line) => line.kind !== "heartbeat");
  assert.equal(transcript.length, told.length, "the story leaves something out");
  return result?.status === "completed";
}

describe("a run whose power goes off at any call of the store", () => {
  it("is resumed to the same end, whichever call it was, whether it took effect or not", async () => {
    using expected = new World();
    const counting = crashingStore(expected.store);
    await runWorkflow({
      config: expected.config,
      runId: expected.runId,
      store: counting.store,
      ...expected.common,
    });
    assert.ok(counting.calls() > 30);
    for (let at = 1; at <= counting.calls(); at += 1) {
      for (const after of counting.writes.has(at) ? [false, true] : [false]) {
        try {
          assert.ok(await survives([{ at, after }], expected));
        } catch (error) {
          throw new Error(`power off ${after ? "after" : "before"} call ${at} of ${counting.calls()}`, {
            cause: error,
          });
        }
      }
    }
  });

  it("is resumed to the same end when the power goes off again and again while it is resumed", async () => {
    using expected = new World();
    assert.equal((await expected.run()).status, "completed");
    const cut = fc.record({ at: fc.integer({ min: 1, max: 90 }), after: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(cut, { minLength: 2, maxLength: 6 }), (cuts) => survives(cuts, expected)),
      { numRuns: process.env["HOLDFAST_LONG"] === undefined ? 25 : 2_000 },
    );
  });
});
