import assert from "node:assert/strict";
import { memoryStore } from "@holdfast/storage";
import { runStore } from "@holdfast/task-store";
import { describe, expect, it, vi } from "vitest";
import {
  type Engine,
  parseSimulationConfig,
  resumeSimulation,
  runSimulation,
  type SimulationNote,
  verifySimulation,
} from "../src/index.ts";
import {
  checkpointNames,
  configOf,
  documentOf,
  eventsOf,
  payingParts,
  stateText,
  testClock,
} from "./world.ts";

const FORMATS = `kind: simulation
simulation:
  name: NAME
  max_turns: 15
  checkpoint_interval: 5        # a positive integer
  seed: 42
  verbosity: ACTION
  termination: { min_value: 0, max_value: 10000 }
agents:
  - { name: Nation_A, type: nation, initial_economic_strength: 1000.0 }
  - { name: Nation_B, type: nation, initial_economic_strength: 1000.0 }
engine: { type: economic, interest_rate: 0.05 }
validator: { type: always_valid }
`;

const still = (): bigint => 1_767_323_045_000_000n;

describe("runSimulation()", () => {
  it.each([
    ["EconomicTest", "EconomicTest"],
    ['"Economic Test/1"', "Economic_Test_1"],
  ])("runs the config of the formats, named %s", async (name, inId) => {
    const store = memoryStore();
    const config = await parseSimulationConfig(FORMATS.replace("NAME", name), { path: "sim.yaml" });
    const result = await runSimulation({ config, store, clock: testClock() });
    expect(result).toEqual({
      run_id: `${inId}_2agents_20260102_030405_01`,
      status: "completed",
      turn: 15,
      termination_reason: "max_turns",
    });
    expect(await checkpointNames(store, result.run_id)).toEqual(["last", "turn_10", "turn_15", "turn_5"]);
    expect(await documentOf(store, result.run_id, "result")).toMatchObject({
      run_metadata: { run_id: result.run_id, num_agents: 2, checkpoint_interval: 5 },
      final_state: { turn: 15 },
      checkpoints: [
        { turn: 5, file: "checkpoints/turn_5.json" },
        { turn: 10, file: "checkpoints/turn_10.json" },
        { turn: 15, file: "checkpoints/turn_15.json" },
      ],
      summary_stats: { total_turns: 15, termination_reason: "max_turns" },
    });
    expect(await runStore(store).load(result.run_id)).toMatchObject({
      status: "completed",
      turn: 15,
      attempts: 1,
    });
    expect(await verifySimulation(store, result.run_id)).toEqual([]);
  });

  it.each([
    ["in no time", 0n, 3],
    ["30 ms a turn", 30_000n, 5],
    ["a second a turn", 1_000_000n, 11],
    ["by a clock that goes back", -1_000n, 11],
  ])("writes its state now and then, and at the end: %s", async (_, step, writes) => {
    const store = memoryStore();
    const put = vi.spyOn(store.documents, "put");
    const written = (): number => put.mock.calls.filter(([key]) => key.endsWith("/run")).length;
    let now = 1_767_323_045_000_000n;
    const parts = payingParts([]);
    const engine: Engine = {
      ...parts.engine,
      step: (state, ctx) => {
        now += step;
        return parts.engine.step(state, ctx);
      },
    };
    const turns: [number, number][] = [];
    const { run_id } = await runSimulation({
      config: configOf({ maxTurns: 9, interval: null }),
      store,
      clock: () => now,
      ...parts,
      engine,
      onTurn: ({ turn }) => turns.push([turn, written()]),
    });
    assert.equal(turns[0]?.[1], 2, "after the first turn");
    assert.equal(written(), writes);
    assert.equal((await runStore(store).load(run_id))?.turn, 9);
  });

  it("without an interval keeps only `last` and the final checkpoint", async () => {
    const store = memoryStore();
    const { run_id } = await runSimulation({
      config: configOf({ interval: null }),
      store,
      ...payingParts([]),
    });
    expect(await checkpointNames(store, run_id)).toEqual(["last", "turn_5"]);
    expect(await documentOf(store, run_id, "checkpoints/turn_5")).toMatchObject({ checkpoint_type: "final" });
    expect(await stateText(store, run_id, "last")).toBe(await stateText(store, run_id, "turn_5"));
  });

  it("ends where the engine says, and keeps its reason and summary", async () => {
    const store = memoryStore();
    const { engine, agents } = payingParts([]);
    const ending: Engine = { ...engine, isDone: ({ turn }) => (turn === 3 ? "rich enough" : false) };
    const result = await runSimulation({ config: configOf(), store, engine: ending, agents });
    expect(result).toMatchObject({ status: "completed", turn: 3, termination_reason: "rich enough" });
    const stats = { total_turns: 3, termination_reason: "rich enough", wealth: expect.any(Number) };
    expect(await documentOf(store, result.run_id, "result")).toMatchObject({ summary_stats: stats });
    expect(await checkpointNames(store, result.run_id)).toEqual(["last", "turn_2", "turn_3"]);
  });

  it("tells an economy's end by its bounds", async () => {
    const text = FORMATS.replace("NAME", "Bounded").replace("max_value: 10000", "max_value: 1200");
    const config = await parseSimulationConfig(text, { path: "sim.yaml" });
    const store = memoryStore();
    const result = await runSimulation({ config, store });
    expect(result).toMatchObject({ status: "completed", turn: 4, termination_reason: "max_value" });
    const summary = { terminated_by: "Nation_A" };
    expect(await documentOf(store, result.run_id, "result")).toMatchObject({ summary_stats: summary });
  });

  it("gives ids of their own to runs that start in the same second", async () => {
    const store = memoryStore();
    const runs = Array.from({ length: 10 }, () =>
      runSimulation({ config: configOf({ maxTurns: 1 }), store, clock: still, ...payingParts([]) }),
    );
    const ids = (await Promise.all(runs)).map(({ run_id }) => run_id);
    expect(new Set(ids).size).toBe(10);
    expect(ids.toSorted().at(-1)).toBe("Paid_1agents_20260102_030405_10");
  });

  it("keeps a seed that it drew, so that the run can be replayed", async () => {
    const store = memoryStore();
    const config = configOf({ more: { seed: undefined } });
    const { run_id } = await runSimulation({ config, store, random: () => 0.5, ...payingParts([]) });
    const run = await runStore(store).load(run_id);
    expect(run?.config_snapshot).toMatchObject({ simulation: { seed: 0x8000_0000 } });
  });

  it("takes overrides in place of the config's values, and checks them as those", async () => {
    const store = memoryStore();
    const parts = payingParts([]);
    const overrides = { maxTurns: 4, checkpointInterval: 3, seed: 1, verbosity: "MILESTONE" } as const;
    const { run_id } = await runSimulation({ config: configOf(), store, ...parts, ...overrides });
    expect(await checkpointNames(store, run_id)).toEqual(["last", "turn_3", "turn_4"]);
    const types = new Set((await eventsOf(store, run_id)).map(({ event_type }) => event_type));
    expect([...types]).toEqual(["MILESTONE"]);
    await expect(runSimulation({ config: configOf(), store, ...parts, maxTurns: 0 })).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      documentPath: "simulation.max_turns",
    });
    expect((await store.documents.list("runs/")).items.every(({ key }) => key.includes(run_id))).toBe(true);
  });
});

const withStep = async (step: Engine["step"], init: Engine["init"] = () => ({ n: 0 })) => {
  const store = memoryStore();
  const result = await runSimulation({ config: configOf(), store, engine: { init, step } });
  return { store, result };
};

class Money {
  readonly amount = 1;
}

describe("the states of an engine", () => {
  const cycle: { self?: unknown } = {};
  cycle.self = cycle;
  it.each<[string, unknown, string]>([
    ["undefined", { a: [1, { b: undefined }] }, 'Cannot keep "state.a[1].b": it is undefined'],
    ["a date", { when: new Date(0) }, 'Cannot keep "state.when": it is a Date'],
    ["NaN", { a: Number.NaN }, 'Cannot keep "state.a": it is NaN'],
    ["an infinity", { a: [1, -Infinity] }, 'Cannot keep "state.a[1]": it is -Infinity'],
    ["a BigInt", { "a b": 1n }, 'Cannot keep "state["a b"]": it is a bigint'],
    ["a function", { f: () => 1 }, 'Cannot keep "state.f": it is a function'],
    ["a cycle", { cycle }, 'Cannot keep "state.cycle.self": it is a cycle'],
    ["an instance of a class", { m: new Money() }, 'Cannot keep "state.m": it is a Money'],
    ["a state of a class", new Money(), 'Cannot keep "state": it is a Money'],
    ["half a surrogate pair", { text: "\ud800" }, 'Cannot keep "state.text": it holds half'],
    ["nothing", undefined, "the engine returned nothing"],
    ["a list", [1], "the engine returned a list"],
  ])("that hold %s fail the run, and say where", async (_, made, message) => {
    const { store, result } = await withStep(() => made as never);
    expect(result).toMatchObject({ status: "failed", turn: 0, error: { code: "SIMULATION_STATE" } });
    expect(result.error?.message).toContain(message);
    expect(await checkpointNames(store, result.run_id)).toEqual(["last"]);
    expect(await runStore(store).load(result.run_id)).toMatchObject({
      status: "failed",
      error: { code: "SIMULATION_STATE" },
    });
  });

  it("may be the same object, changed: what was saved stays", async () => {
    const state = { n: 0, list: [] as number[] };
    const { store, result } = await withStep(
      (_, ctx) => {
        state.n = ctx.turn;
        state.list.push(ctx.turn);
        return state;
      },
      () => state,
    );
    expect(JSON.parse(await stateText(store, result.run_id, "turn_2"))).toEqual({
      list: [1, 2],
      n: 2,
      turn: 2,
    });
  });

  it("get the turn of the loop, whatever they say", async () => {
    const { store, result } = await withStep((state) => ({ ...state, turn: 99 }));
    expect(JSON.parse(await stateText(store, result.run_id, "last"))).toEqual({ n: 0, turn: 5 });
  });

  it("reach the next turn as a resumed run would read them", async () => {
    const seen: string[] = [];
    await withStep(
      (state) => {
        seen.push(JSON.stringify(state));
        return { ...state, b: -0, a: 1 };
      },
      () => ({ z: 1, "10": 1, "9": 1 }),
    );
    expect(seen[1]).toBe('{"9":1,"10":1,"a":1,"b":0,"turn":1,"z":1}');
  });

  it("are not reached by an engine that goes on after its turn", async () => {
    const late: Promise<unknown>[] = [];
    const { result } = await withStep((state, ctx) => {
      late.push(new Promise((resolve) => setTimeout(resolve, 20)).then(() => ctx.emit({} as never)));
      return state;
    });
    assert.equal(result.status, "completed");
    const outcomes = await Promise.allSettled(late);
    expect(outcomes[0]).toMatchObject({ status: "rejected", reason: { code: "SIMULATION_TURN_OVER" } });
  });

  it("that an engine throws for are a failed run, which can be resumed", async () => {
    const { store, result } = await withStep((state, ctx) => {
      if (ctx.turn === 4) throw new Error("no more coal");
      return state;
    });
    expect(result).toMatchObject({ status: "failed", turn: 3, error: { code: "SIMULATION_ENGINE_FAILED" } });
    expect(result.error?.message).toContain("turn 4: step() of the engine failed: no more coal");
    const engine: Engine = { init: () => ({ n: 0 }), step: (state) => state };
    expect(await resumeSimulation(result.run_id, { store, engine })).toMatchObject({
      status: "completed",
      turn: 5,
    });
    const system = (await eventsOf(store, result.run_id)).filter(({ event_type }) => event_type === "SYSTEM");
    expect(system).toMatchObject([
      { turn_number: 3, details: { status: "failed", error_type: "SIMULATION_ENGINE_FAILED" } },
      { turn_number: 3, details: { status: "retry", resumed_from_turn: 3, attempt: 2 } },
    ]);
  });
});

describe("agents and validators", () => {
  const engine: Engine = {
    init: () => ({ got: {} }),
    step: (state, ctx) => {
      ctx.emit({
        event_type: "STATE",
        caused_by: [...ctx.actions.values()],
        details: { variable_name: "got", old_value: null, new_value: ctx.decisions.size },
      });
      return { ...state, got: Object.fromEntries(ctx.decisions) };
    },
  };
  const agents = [{ name: "a" }, { name: "b" }, { name: "silent" }];
  const simulation = { name: "Decide", max_turns: 1, verbosity: "DETAIL" as const, seed: 1 };

  it("reach the engine by name, and are told as DECISION, ACTION and STATE, each caused by the one before", async () => {
    const store = memoryStore();
    const { run_id } = await runSimulation({
      config: { simulation, agents, engine: { type: "x" } },
      store,
      engine,
      agents: {
        a: { decide: (view) => ({ type: "invest", amount: 5, turn: view.turn }) },
        b: { decide: () => ({ action: "wait" }) },
        silent: { decide: () => undefined },
      },
      validator: {
        validate: (decision) =>
          JSON.stringify(decision).includes("wait") ? { valid: false, reason: "no waiting" } : true,
      },
    });
    expect(JSON.parse(await stateText(store, run_id, "last"))).toEqual({
      got: { a: { amount: 5, turn: 1, type: "invest" } },
      turn: 1,
    });
    const events = (await eventsOf(store, run_id)).filter(({ event_type }) => event_type !== "MILESTONE");
    expect(events).toMatchObject([
      { event_type: "DECISION", agent_id: "a", details: { decision_type: "invest" } },
      { event_type: "ACTION", agent_id: "a", caused_by: [events[0]?.["event_id"]] },
      { event_type: "DECISION", agent_id: "b", details: { decision_type: "wait" } },
      {
        event_type: "SYSTEM",
        caused_by: [events[2]?.["event_id"]],
        details: { status: "failed", error_type: "decision_refused", agent: "b", reason: "no waiting" },
      },
      { event_type: "STATE", caused_by: [events[1]?.["event_id"]], details: { new_value: 1 } },
    ]);
  });

  it.each<[string, () => unknown, string]>([
    [
      "throws",
      () => {
        throw new Error("tired");
      },
      "SIMULATION_AGENT_FAILED",
    ],
    ["decides what is no JSON", () => ({ when: new Date(0) }), "SIMULATION_AGENT_FAILED"],
    ["changes what it sees", () => undefined, "SIMULATION_AGENT_FAILED"],
  ])("fail the run when an agent %s", async (what, decide, code) => {
    const changing = what === "changes what it sees";
    const result = await runSimulation({
      config: { simulation, agents, engine: { type: "x" } },
      store: memoryStore(),
      engine,
      agents: {
        a: { decide: (view) => (changing ? Object.assign(view.state["got"] as object, { x: 1 }) : decide()) },
      },
    });
    expect(result).toMatchObject({ status: "failed", turn: 0, error: { code } });
    expect(result.error?.message).toContain('agent "a"');
  });

  it("fail the run when a validator gives no verdict", async () => {
    const result = await runSimulation({
      config: { simulation, agents, engine: { type: "x" } },
      store: memoryStore(),
      engine,
      agents: { a: { decide: () => 1 } },
      validator: { validate: () => "yes" as never },
    });
    expect(result.error?.code).toBe("SIMULATION_VALIDATOR_FAILED");
  });
});

describe("an abort", () => {
  it("gives the turn under way up, and the run resumes to the same end", async () => {
    const store = memoryStore();
    const paid: string[] = [];
    const parts = payingParts(paid);
    const whole = await runSimulation({ config: configOf(), store, ...payingParts([]), clock: testClock() });
    const controller = new AbortController();
    const slow: Engine = {
      ...parts.engine,
      step: async (state, ctx) => {
        if (ctx.turn === 3) {
          controller.abort(new Error("Ctrl-C"));
          await new Promise(() => undefined);
        }
        return parts.engine.step(state, ctx);
      },
    };
    const { signal } = controller;
    const result = await runSimulation({ config: configOf(), store, ...parts, engine: slow, signal });
    expect(result).toMatchObject({ status: "aborted", turn: 2 });
    expect(result.hint).toBe(`holdfast resume ${result.run_id} goes on after turn 2`);
    expect(await runStore(store).load(result.run_id)).toMatchObject({ status: "aborted", turn: 2 });
    expect(await documentOf(store, result.run_id, "result")).toBeUndefined();
    const notes: SimulationNote[] = [];
    const resumed = await resumeSimulation(result.run_id, {
      store,
      ...parts,
      onNote: (note) => notes.push(note),
    });
    expect(resumed).toEqual({
      run_id: result.run_id,
      status: "completed",
      turn: 5,
      termination_reason: "max_turns",
    });
    expect(notes[0]).toMatchObject({ kind: "run", resumed: true, turn: 2 });
    expect(await stateText(store, result.run_id, "last")).toBe(await stateText(store, whole.run_id, "last"));
    // The agent's call of turn 3 was recorded before the engine was stopped.
    expect(paid.filter((call) => call === "3 ask")).toHaveLength(1);
  });

  it("before the first turn leaves a run that can be resumed", async () => {
    const store = memoryStore();
    const signal = AbortSignal.abort();
    const parts = payingParts([]);
    const result = await runSimulation({ config: configOf(), store, ...parts, signal });
    expect(result).toMatchObject({ status: "aborted", turn: 0 });
    expect(await resumeSimulation(result.run_id, { store, ...parts })).toMatchObject({ status: "completed" });
  });

  it("is refused to nobody: a held run says who holds it", async () => {
    const store = memoryStore();
    const parts = payingParts([]);
    let inside: unknown;
    await runSimulation({
      config: configOf({ maxTurns: 1 }),
      store,
      ...parts,
      engine: {
        ...parts.engine,
        step: async (state, ctx) => {
          inside = await resumeSimulation(ctx.runId, { store, ...parts }).catch((error: unknown) => error);
          return state;
        },
      },
    });
    expect(inside).toMatchObject({ code: "SIMULATION_RUN_HELD", holder: { worker: expect.any(String) } });
  });
});
