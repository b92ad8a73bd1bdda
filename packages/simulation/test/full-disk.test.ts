import { memoryStore, type Store, StoreError } from "@holdfast/storage";
import { runStore } from "@holdfast/task-store";
import { describe, expect, it } from "vitest";
import { type Engine, resumeSimulation, runSimulation } from "../src/index.ts";
import { checkpointNames, configOf, payingParts, stateText } from "./world.ts";

/** A store whose disk is full for some of its keys, as long as `isFull` says so. */
function fullStore(inner: Store, isFull: (key: string) => boolean): Store {
  const check = (key: string): void => {
    if (!isFull(key)) return;
    throw new StoreError("STORE_NO_SPACE", `Cannot write "${key}": no space is left; make room`, {
      path: key,
    });
  };
  return {
    ...inner,
    locate: (place) => inner.locate(place),
    documents: {
      ...bound(inner.documents),
      put: async (key, value, options) => {
        check(key);
        return inner.documents.put(key, value, options);
      },
    },
    logs: {
      ...bound(inner.logs),
      append: async (key, items, options) => {
        check(key);
        return inner.logs.append(key, items, options);
      },
    },
    work: inner.work,
    objects: inner.objects,
    capabilities: inner.capabilities,
    close: () => inner.close(),
    [Symbol.asyncDispose]: () => inner.close(),
  };
}

/** An object's methods, bound to it, where they are those of a class. */
function bound<T extends object>(object: T): T {
  const methods = Object.getOwnPropertyNames(Object.getPrototypeOf(object));
  const entries = methods.map((name) => [name, (Reflect.get(object, name) as () => void).bind(object)]);
  return { ...object, ...Object.fromEntries(entries) };
}

const PLACES: [string, RegExp][] = [
  ["`last`", /\/checkpoints\/last$/],
  ["a checkpoint that stays", /\/checkpoints\/turn_4$/],
  ["the events", /\/events$/],
  ["the state of the run", /\/run$/],
  ["remembered work", /^idempotency\//],
];

describe("a disk that is full", () => {
  it.each(PLACES)(
    "for %s ends the run with CheckpointSaveError; it goes on once there is room",
    async (_, place) => {
      const whole = memoryStore();
      const shape = { maxTurns: 6, interval: 2 };
      const { run_id: whole_id } = await runSimulation({
        config: configOf(shape),
        store: whole,
        ...payingParts([]),
      });
      const inner = memoryStore();
      let turn = 0;
      const store = fullStore(inner, (key) => turn >= 3 && place.test(key));
      const parts = payingParts([]);
      const onTurn = (report: { turn: number }): void => {
        turn = report.turn;
      };
      const failing = runSimulation({ config: configOf(shape), store, onTurn, ...parts });
      await expect(failing).rejects.toMatchObject({
        name: "CheckpointSaveError",
        code: "CHECKPOINT_SAVE",
        path: expect.stringMatching(/\S/),
        message: expect.stringMatching(/no space is left/),
      });
      const runId = (await runStore(inner).page()).items[0]?.run_id ?? "";
      const names = await checkpointNames(inner, runId);
      expect(names).toContain("last");
      expect(await stateText(inner, runId, "turn_2")).toBe(await stateText(whole, whole_id, "turn_2"));
      turn = 0;
      expect(await resumeSimulation(runId, { store, ...parts })).toMatchObject({
        status: "completed",
        turn: 6,
      });
      expect(await stateText(inner, runId, "last")).toBe(await stateText(whole, whole_id, "last"));
      expect(await checkpointNames(inner, runId)).toEqual(["last", "turn_2", "turn_4", "turn_6"]);
    },
  );

  it("fails a turn whose engine makes nothing of it", async () => {
    const inner = memoryStore();
    const store = fullStore(inner, (key) => key.startsWith("idempotency/"));
    const engine: Engine = {
      init: () => ({}),
      step: async (_, ctx) => ({ said: await ctx.once("ask", () => "yes").catch(() => "no") }),
    };
    const config = configOf({ maxTurns: 1 });
    await expect(runSimulation({ config, store, engine })).rejects.toMatchObject({ code: "CHECKPOINT_SAVE" });
  });
});
