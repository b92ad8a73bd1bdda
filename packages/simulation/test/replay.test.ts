import { memoryStore, type Store } from "@holdfast/storage";
import { describe, expect, it } from "vitest";
import { type Engine, replaySimulation, runSimulation } from "../src/index.ts";
import { configOf, type Paid, payingParts } from "./world.ts";

async function completedRun(store: Store, engine?: Engine): Promise<string> {
  const config = configOf({ maxTurns: 6, interval: 2 });
  const parts = payingParts([]);
  return (await runSimulation({ config, store, ...parts, ...(engine === undefined ? {} : { engine }) }))
    .run_id;
}

/** Everything a store holds. */
async function everything(store: Store): Promise<string> {
  const { items } = await store.documents.list("", { limit: 1000 });
  const documents = await Promise.all(
    items.map(async ({ key }) => [key, (await store.documents.get(key))?.value]),
  );
  const lines: string[] = [];
  for (const key of await store.logs.list(""))
    for await (const { text } of store.logs.read(key)) lines.push(text);
  return JSON.stringify([documents, lines]);
}

describe("replaySimulation()", () => {
  it("agrees with every checkpoint, pays for nothing and writes nothing", async () => {
    const store = memoryStore();
    const runId = await completedRun(store);
    const before = await everything(store);
    const paid: Paid = [];
    const turns: number[] = [];
    const result = await replaySimulation(runId, {
      store,
      ...payingParts(paid),
      onTurn: ({ turn }) => turns.push(turn),
    });
    expect(result).toEqual({
      run_id: runId,
      from: 0,
      to: 6,
      checkpoints_compared: [2, 4, 6],
      unreadable: [],
    });
    expect(turns).toEqual([1, 2, 3, 4, 5, 6]);
    expect(paid).toEqual([]);
    expect(await everything(store)).toBe(before);
  });

  it("begins with any checkpoint", async () => {
    const store = memoryStore();
    const runId = await completedRun(store);
    const result = await replaySimulation(runId, { store, from: 4, ...payingParts([]) });
    expect(result).toMatchObject({ from: 4, to: 6, checkpoints_compared: [6] });
    await expect(replaySimulation(runId, { store, from: 3, ...payingParts([]) })).rejects.toMatchObject({
      code: "SIMULATION_CHECKPOINT_MISSING",
    });
  });

  const { engine, agents } = payingParts([]);
  it.each<[string, Engine, object]>([
    [
      "another formula",
      {
        ...engine,
        step: async (state, ctx) => {
          const next = await engine.step(state, ctx);
          return ctx.turn === 3 ? { ...next, wealth: Number(next["wealth"]) + 1 } : next;
        },
      },
      { turn: 4, path: "/wealth" },
    ],
    [
      "another draw that does not show",
      {
        ...engine,
        step: async (state, ctx) => {
          const next = await engine.step(state, ctx);
          if (ctx.turn === 6) ctx.random();
          return next;
        },
      },
      { turn: 6, path: "random" },
    ],
    [
      "a key that is new",
      { ...engine, init: async (config, ctx) => ({ ...(await engine.init(config, ctx)), extra: 1 }) },
      { turn: 2, path: "/extra", expected: undefined, actual: 1 },
    ],
    [
      "work that the run did not do",
      {
        ...engine,
        step: async (state, ctx) => {
          if (ctx.turn === 5) await ctx.once("news", () => 1);
          return engine.step(state, ctx);
        },
      },
      { turn: 5, path: "once", actual: "news" },
    ],
    [
      "an error",
      {
        ...engine,
        step: (state, ctx) => {
          if (ctx.turn === 5) throw new Error("changed");
          return engine.step(state, ctx);
        },
      },
      { turn: 5, path: "error" },
    ],
    [
      "an earlier end",
      { ...engine, isDone: ({ turn }) => turn === 3 && "early" },
      { turn: 3, path: "end", actual: "early" },
    ],
  ])("finds an engine with %s", async (_, changed, difference) => {
    const store = memoryStore();
    const runId = await completedRun(store);
    const result = await replaySimulation(runId, { store, engine: changed, agents });
    expect(result.difference).toMatchObject(difference);
  });

  it.each<[string, () => number]>([
    ["the clock", () => performance.now()],
    ["Math.random()", () => Math.random()],
  ])("finds an engine that reads %s", async (_, read) => {
    const store = memoryStore();
    const impure: Engine = {
      ...engine,
      step: async (state, ctx) => ({ ...(await engine.step(state, ctx)), hidden: { value: read() } }),
    };
    const runId = await completedRun(store, impure);
    const { difference } = await replaySimulation(runId, { store, engine: impure, agents });
    expect(difference).toMatchObject({ turn: 2, path: "/hidden/value", expected: expect.any(Number) });
    expect(difference?.message).toMatch(/^Turn 2 differs at "\/hidden\/value": recorded is /);
  });

  it("gives failures of remembered work again", async () => {
    const store = memoryStore();
    const stubborn: Engine = {
      init: () => ({ said: "" }),
      step: async (state, ctx) => {
        const said = await ctx
          .once("ask", () => {
            throw Object.assign(new Error(`no answer in turn ${ctx.turn}`), { code: "EBUSY" });
          })
          .catch((error: Error) => error.message);
        return { ...state, said };
      },
    };
    const runId = await completedRun(store, stubborn);
    expect(await replaySimulation(runId, { store, engine: stubborn, agents: {} })).toMatchObject({
      checkpoints_compared: [2, 4, 6],
    });
  });

  it("says which checkpoints it could not compare", async () => {
    const store = memoryStore();
    const runId = await completedRun(store);
    const key = `runs/${runId}/checkpoints/turn_4`;
    await store.documents.put(key, { not: "a checkpoint" });
    const result = await replaySimulation(runId, { store, ...payingParts([]) });
    expect(result).toMatchObject({
      checkpoints_compared: [2, 6],
      unreadable: [{ code: "CHECKPOINT_SCHEMA" }],
    });
  });

  it("stops when it is told to", async () => {
    const store = memoryStore();
    const runId = await completedRun(store);
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(replaySimulation(runId, { store, signal, ...payingParts([]) })).rejects.toThrow("enough");
  });
});
