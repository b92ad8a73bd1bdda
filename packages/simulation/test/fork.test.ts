import { memoryStore, type Store } from "@holdfast/storage";
import { runStore } from "@holdfast/task-store";
import { describe, expect, it } from "vitest";
import {
  type ForkSimulationOptions,
  forkSimulation,
  replaySimulation,
  runSimulation,
  verifySimulation,
} from "../src/index.ts";
import {
  checkpointNames,
  configOf,
  documentOf,
  eventsOf,
  type Paid,
  payingParts,
  stateText,
} from "./world.ts";

async function completedRun(store: Store, paid: Paid = []): Promise<string> {
  const config = configOf({ maxTurns: 9, interval: 3 });
  return (await runSimulation({ config, store, ...payingParts(paid) })).run_id;
}

describe("forkSimulation()", () => {
  it("ends with the state of the uninterrupted run, byte for byte, under an id of its own", async () => {
    const store = memoryStore();
    const parent = await completedRun(store);
    const result = await forkSimulation(parent, 6, { store, ...payingParts([]) });
    expect(result).toMatchObject({ status: "completed", turn: 9 });
    expect(result.run_id).not.toBe(parent);
    expect(await stateText(store, result.run_id, "last")).toBe(await stateText(store, parent, "last"));
    expect(await checkpointNames(store, result.run_id)).toEqual(["last", "turn_9"]);
    expect(await runStore(store).load(result.run_id)).toMatchObject({ parent: { run_id: parent, turn: 6 } });
    expect(await documentOf(store, result.run_id, "result")).toMatchObject({ checkpoints: [{ turn: 9 }] });
    const [first] = await eventsOf(store, result.run_id);
    expect(first).toMatchObject({ turn_number: 6, details: { parent: { run_id: parent, turn: 6 } } });
    expect(await verifySimulation(store, result.run_id)).toEqual([]);
  });

  it("of a fork gives the same again, and each can be replayed from where it began", async () => {
    const store = memoryStore();
    const parent = await completedRun(store);
    const parts = payingParts([]);
    const one = await forkSimulation(parent, 3, { store, ...parts });
    const two = await forkSimulation(one.run_id, 6, { store, ...parts });
    expect(await stateText(store, two.run_id, "last")).toBe(await stateText(store, parent, "last"));
    expect(await runStore(store).load(two.run_id)).toMatchObject({ parent: { run_id: one.run_id, turn: 6 } });
    expect(await replaySimulation(one.run_id, { store, ...parts })).toMatchObject({
      from: 3,
      checkpoints_compared: [6, 9],
    });
    expect(await replaySimulation(two.run_id, { store, ...parts })).toMatchObject({
      from: 6,
      checkpoints_compared: [9],
    });
  });

  it("pays anew for the turns it makes", async () => {
    const store = memoryStore();
    const parent = await completedRun(store);
    const paid: Paid = [];
    await forkSimulation(parent, 6, { store, ...payingParts(paid) });
    expect(new Set(paid)).toEqual(
      new Set([7, 8, 9].flatMap((turn) => ["ask", "price", "advice"].map((name) => `${turn} ${name}`))),
    );
    expect(paid).toHaveLength(9);
  });

  it("goes further than its parent, and elsewhere with another seed", async () => {
    const store = memoryStore();
    const parent = await completedRun(store);
    const parts = payingParts([]);
    const longer = await forkSimulation(parent, 9, {
      store,
      maxTurns: 12,
      checkpointInterval: null,
      ...parts,
    });
    expect(longer.turn).toBe(12);
    expect(await checkpointNames(store, longer.run_id)).toEqual(["last", "turn_12"]);
    const elsewhere = await forkSimulation(parent, 3, { store, seed: 8, ...parts });
    expect(await stateText(store, elsewhere.run_id, "last")).not.toBe(await stateText(store, parent, "last"));
    expect((await replaySimulation(elsewhere.run_id, { store, ...parts })).difference).toBeUndefined();
  });

  it.each([
    ["the seed it has", 7],
    ["another seed", 8],
  ])("with a config that names %s can be replayed", async (_, seed) => {
    const store = memoryStore();
    const parent = await completedRun(store);
    const parts = payingParts([]);
    const config = configOf({ maxTurns: 9, interval: 3, more: { seed } });
    for (const change of [{ config }, { seed }]) {
      const { run_id } = await forkSimulation(parent, 3, { store, ...parts, ...change });
      const replayed = await replaySimulation(run_id, { store, ...parts });
      expect(replayed).toMatchObject({ checkpoints_compared: [6, 9] });
      expect(replayed.difference).toBeUndefined();
      const isSame = (await stateText(store, run_id, "last")) === (await stateText(store, parent, "last"));
      expect(isSame).toBe(seed === 7);
    }
  });

  it.each<[string, number, Partial<ForkSimulationOptions>, string]>([
    ["a turn without a checkpoint", 4, {}, "SIMULATION_CHECKPOINT_MISSING"],
    ["the turn the new run would end with", 9, {}, "SIMULATION_FORK_END"],
    ["an interval that is none", 3, { checkpointInterval: 0 }, "CONFIG_INVALID"],
  ])("refuses %s, and creates nothing", async (_, turn, more, code) => {
    const store = memoryStore();
    const parent = await completedRun(store);
    await expect(forkSimulation(parent, turn, { store, ...payingParts([]), ...more })).rejects.toMatchObject({
      code,
    });
    expect((await runStore(store).page()).items).toHaveLength(1);
  });

  it("names the turns there are", async () => {
    const store = memoryStore();
    const parent = await completedRun(store);
    await expect(forkSimulation(parent, 4, { store })).rejects.toThrow(
      /no "memory:runs\/.*turn_4.*has the turns 3, 6, 9$/,
    );
    await expect(forkSimulation("nothing", 4, { store })).rejects.toMatchObject({
      code: "SIMULATION_RUN_MISSING",
    });
  });
});
