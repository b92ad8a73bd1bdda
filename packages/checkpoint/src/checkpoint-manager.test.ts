import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { canonicalJson } from "@holdfast/idempotency";
import { fileStore, type Json, memoryStore, parseTimestamp, type Store } from "@holdfast/storage";
import { temporaryFolders } from "@holdfast/test-kit";
import * as fc from "fast-check";
import { describe, it } from "vitest";
import { longState } from "../test/states.ts";
import { CheckpointManager, checkpointSchema, type SimulationState, stateChecksum } from "./index.ts";

const newFolder = temporaryFolders();
const clock = (): bigint => parseTimestamp("2026-01-02T03:04:05.123456Z");
const RUN = "Test_2agents_20260102_030405_01";

const STORES: readonly (readonly [name: string, open: () => Store])[] = [
  ["in memory", () => memoryStore()],
  ["on files", () => fileStore(newFolder())],
];

describe("CheckpointManager", () => {
  it("takes a positive interval or null, and refuses anything else by name", async () => {
    await using store = memoryStore();
    for (const interval of [0, -5, 2.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      assert.throws(() => new CheckpointManager(store, RUN, interval), {
        name: "RangeError",
        message: /positive integer or null/,
      });
    }
    // @ts-expect-error: what a caller without types may pass
    assert.throws(() => new CheckpointManager(store, RUN, "five"), RangeError);
    // @ts-expect-error: what a caller without types may pass
    assert.throws(() => new CheckpointManager(store, RUN), RangeError);
  });

  it("shouldSave() is due at the interval and at the end; without an interval at the end alone", async () => {
    await using store = memoryStore();
    const every5 = new CheckpointManager(store, RUN, 5);
    const turns = Array.from({ length: 16 }, (_, turn) => turn);
    assert.deepEqual(
      turns.filter((turn) => every5.shouldSave(turn, false)),
      [5, 10, 15],
    );
    assert.equal(every5.shouldSave(7, true), true);
    const never = new CheckpointManager(store, RUN, null);
    assert.deepEqual(
      turns.filter((turn) => never.shouldSave(turn)),
      [],
    );
    assert.equal(never.shouldSave(7, true), true);
  });

  for (const [where, open] of STORES) {
    for (const compression of ["none", "zstd"] as const) {
      it(`what is saved ${where} (${compression}) is loaded as it was, short or long, names in their order`, async () => {
        await using store = open();
        const manager = new CheckpointManager(store, RUN, 5, { clock, compression });
        const states: SimulationState[] = [
          { turn: 0 },
          { turn: 1, z: -0, a: [1e300, "\u2028", { b: 1, a: 2 }], "10": 1, "9": 2 },
          longState(5),
          { ...longState(10), zero: -0, first: "z", a: "last" },
          { turn: 15, a: "x".repeat(300_000) },
        ];
        for (const state of states) {
          const random: Json = { words: [1, 2, 3, 4_294_967_295] };
          for (const type of ["last", "interval"] as const) {
            const saved = await manager.save(state, type, { random });
            assert.equal(saved.state_sha256, stateChecksum(state));
            assert.equal(saved.stateBytes, Buffer.byteLength(canonicalJson(state)));
          }
          for (const which of ["last", state.turn] as const) {
            const { checkpoint, fallback, path } = await manager.load(RUN, which);
            assert.equal(fallback, undefined);
            assert.match(path, which === "last" ? /last/ : new RegExp(`turn_${state.turn}`));
            assert.deepStrictEqual(checkpoint.state, state);
            assert.equal(JSON.stringify(checkpoint.state), JSON.stringify(state));
            assert.deepEqual(checkpoint.random, random);
            assert.equal(checkpoint.timestamp, "2026-01-02T03:04:05.123456Z");
            assert.deepEqual(checkpointSchema.parse(checkpoint).state, state);
            const { state: _, ...head } = checkpoint;
            assert.deepEqual(await manager.head(RUN, which), head);
          }
        }
        assert.deepEqual(
          (await manager.list()).map(({ turn }) => turn),
          [0, 1, 5, 10, 15],
        );
      });
    }
  }

  it("head() gives nothing where there is nothing to tell", async () => {
    await using store = memoryStore();
    const manager = new CheckpointManager(store, RUN, null, { clock });
    assert.equal(await manager.head(RUN, "last"), undefined);
    await store.documents.put(`runs/${RUN}/checkpoints/last`, { turn: 1 });
    assert.equal(await manager.head(RUN, "last"), undefined);
  });

  it("save() keeps what any JSON state holds", async () => {
    await using store = memoryStore();
    await fc.assert(
      fc.asyncProperty(
        fc.nat(),
        fc.dictionary(fc.string({ unit: "grapheme" }), fc.jsonValue()),
        async (turn, rest) => {
          const state: SimulationState = JSON.parse(JSON.stringify({ ...rest, turn }));
          const manager = new CheckpointManager(store, RUN, null);
          await manager.save(state, "last");
          assert.deepStrictEqual((await manager.load(RUN, "last")).checkpoint.state, state);
        },
      ),
    );
  });

  it("save() reads the state before it waits: what becomes of it afterwards does not matter", async () => {
    await using store = fileStore(newFolder());
    const manager = new CheckpointManager(store, RUN, null);
    const agents: Json[] = Array.from({ length: 30_000 }, (_, id) => ({ name: "agent", id }));
    const state = { turn: 1, agents };
    const saving = manager.save(state, "last");
    agents.length = 1;
    state.turn = 2;
    await saving;
    const { checkpoint } = await manager.load(RUN, "last");
    assert.equal(checkpoint.turn, 1);
    assert.equal(Array.isArray(checkpoint.state["agents"]) && checkpoint.state["agents"].length, 30_000);
  });

  it("save() writes a turn once: the same again is fine, another state is CHECKPOINT_CONFLICT", async () => {
    for (const [, open] of STORES) {
      await using store = open();
      const manager = new CheckpointManager(store, RUN, 5, { clock });
      const first = await manager.save({ turn: 5, a: 1, b: 2 }, "interval", { random: 1 });
      const later = new CheckpointManager(store, RUN, 5);
      const again = await later.save({ turn: 5, b: 2, a: 1 }, "final", { random: 1 });
      assert.equal(again.timestamp, first.timestamp);
      assert.equal(again.checkpoint_type, "interval");
      const conflict = { name: "CheckpointSaveError", code: "CHECKPOINT_CONFLICT" };
      await assert.rejects(later.save({ turn: 5, a: 2 }, "interval", { random: 1 }), conflict);
      await assert.rejects(later.save({ turn: 5, a: 1, b: 2 }, "interval", { random: 2 }), conflict);
      await assert.rejects(later.save({ turn: 5, a: 1, b: 2 }, "interval"), conflict);
      assert.deepEqual((await later.load(RUN, 5)).checkpoint.state, { turn: 5, a: 1, b: 2 });
      await later.save({ turn: 5, a: 2 }, "last");
      await later.save({ turn: 5, a: 3 }, "last");
    }
  });

  it("save() refuses what is no state, names the place, and writes nothing", async () => {
    await using store = memoryStore();
    const manager = new CheckpointManager(store, RUN, 5);
    let deep: unknown = 1;
    for (let level = 0; level < 5_000; level += 1) deep = [deep];
    const cycle: Record<string, unknown> = { turn: 1 };
    cycle["self"] = cycle;
    for (const [state, message] of [
      [undefined, /the state is missing/],
      [[], /the state is a list/],
      [{}, /"turn" is missing/],
      [{ turn: -1 }, /"turn" is -1/],
      [{ turn: 1.5 }, /"turn" is 1.5/],
      [{ turn: "1" }, /"turn" is "1"/],
      [{ turn: 1, agents: [{ strength: Number.NaN }] }, /state\.agents\[0\]\.strength/],
      [{ turn: 1, at: new Date(0) }, /state\.at/],
      [{ turn: 1, a: undefined }, /state\.a/],
      [{ turn: 1, name: "\uD800" }, /state\.name/],
      [{ turn: 1, deep }, /nested deeper/],
      [cycle, /state\.self/],
    ] as const) {
      for (const type of ["last", "interval"] as const) {
        // @ts-expect-error: what a caller without types may pass
        await assert.rejects(manager.save(state, type), {
          name: "CheckpointSaveError",
          code: "CHECKPOINT_INVALID",
          message,
        });
      }
    }
    // @ts-expect-error: what a caller without types may pass
    await assert.rejects(manager.save({ turn: 1 }, "last", { random: new Map() }), {
      code: "CHECKPOINT_INVALID",
    });
    assert.deepEqual(await store.documents.list(""), { items: [] });
  });

  it("a write under a fence that was lost is refused as the store says", async () => {
    await using store = memoryStore();
    await store.work.offer("runs", RUN, {});
    const [fence] = await store.work.claim("runs", "me", { id: RUN });
    assert.ok(fence !== undefined);
    const manager = new CheckpointManager(store, RUN, 5, { fence });
    await manager.save({ turn: 5 }, "last");
    await store.work.settle(fence, "ready");
    await assert.rejects(manager.save({ turn: 6 }, "last"), { code: "STORE_FENCED" });
    await assert.rejects(manager.saveResults(results(5)), { code: "STORE_FENCED" });
    assert.equal((await manager.load(RUN, "last")).checkpoint.turn, 5);
  });

  it("load() reads any run of the store, and list() of one that is not there is empty", async () => {
    await using store = memoryStore();
    await new CheckpointManager(store, "other", 1).save({ turn: 3, from: "other" }, "final");
    const manager = new CheckpointManager(store, RUN, 1);
    assert.equal((await manager.load("other", 3)).checkpoint.state["from"], "other");
    assert.deepEqual(await manager.list(), []);
    await assert.rejects(manager.load(RUN, -1), RangeError);
    await assert.rejects(manager.load(RUN, 1.5), RangeError);
  });

  it("list() sorts by number and goes past one page", async () => {
    await using store = memoryStore();
    const manager = new CheckpointManager(store, RUN, 1);
    const turns = Array.from({ length: 1_500 }, (_, index) => index * 7);
    for (const turn of turns) await manager.save({ turn }, "interval");
    await store.documents.put(`runs/${RUN}/checkpoints/turn_x`, {});
    await store.documents.put(`runs/${RUN}/checkpoints/turn_007`, {});
    assert.deepEqual(
      (await manager.list()).map(({ turn }) => turn),
      turns,
    );
  });

  it("diff() tells what changed from one turn to another", async () => {
    await using store = memoryStore();
    const manager = new CheckpointManager(store, RUN, 1);
    await manager.save({ turn: 1, agents: [{ name: "A", x: 1 }] }, "interval");
    await manager.save({ turn: 2, agents: [{ name: "A", x: 2 }] }, "last");
    assert.deepEqual(await manager.diff(1, "last"), [
      { op: "replace", path: "/turn", value: 2 },
      { op: "replace", path: "/agents/0/x", value: 2 },
    ]);
  });

  it("saveResults() writes once what loadResults() gives, short or long", async () => {
    for (const [, open] of STORES) {
      await using store = open();
      for (const [run, state] of [
        ["short", { turn: 15, a: 1 }],
        ["long", longState(15)],
      ] as const) {
        const manager = new CheckpointManager(store, run, 5);
        assert.equal(await manager.loadResults(), undefined);
        const given = { ...results(15, run), final_state: state };
        const saved = await manager.saveResults(given);
        assert.deepStrictEqual(await manager.loadResults(), saved);
        assert.deepStrictEqual(saved.final_state, state);
        assert.deepStrictEqual(await manager.saveResults(given), saved);
        await assert.rejects(
          manager.saveResults({ ...given, summary_stats: { ...given.summary_stats, total_turns: 14 } }),
          { code: "CHECKPOINT_CONFLICT" },
        );
        await assert.rejects(manager.saveResults({ ...given, final_state: { turn: 15, b: 1 } }), {
          code: "CHECKPOINT_CONFLICT",
        });
      }
    }
  });

  it("saveResults() refuses what does not fit together", async () => {
    await using store = memoryStore();
    const manager = new CheckpointManager(store, RUN, 5);
    const good = results(15);
    for (const [bad, message] of [
      [{ ...good, final_state: { turn: 14 } }, /final state is that of turn 14/],
      [{ ...good, checkpoints: [] }, /last checkpoint that of none/],
      [{ ...good, checkpoints: good.checkpoints.toReversed() }, /not sorted/],
      [results(15, "other"), /run "other"/],
      [{ ...good, final_state: { turn: 15, a: Number.NaN } }, /final_state\.a/],
      [{ ...good, run_metadata: { ...good.run_metadata, num_agents: 0 } }, /num_agents/],
      [{ ...good, run_metadata: { ...good.run_metadata, checkpoint_interval: 2.5 } }, /checkpoint_interval/],
    ] as const) {
      await assert.rejects(manager.saveResults(bad), { code: "CHECKPOINT_INVALID", message });
    }
    assert.equal(await manager.loadResults(), undefined);
  });

  it("a short checkpoint is pretty-printed, of a long one the state stands on one line", async () => {
    const root = newFolder();
    await using store = fileStore(root);
    const manager = new CheckpointManager(store, RUN, 5, { clock });
    await manager.save({ turn: 5, agents: [{ name: "A" }] }, "interval", { random: [1] });
    const folder = join(root, "runs", RUN, "checkpoints");
    const text = readFileSync(join(folder, "turn_5.json"), "utf8");
    assert.equal(text, `${JSON.stringify(JSON.parse(text), undefined, 2)}\n`);
    await manager.save(longState(10), "last");
    const lines = readFileSync(join(folder, "last.json"), "utf8").split("\n");
    assert.deepEqual(lines.slice(0, 3), ["{", '  "schema": "holdfast/checkpoint/v1",', '  "turn": 10,']);
    assert.equal(lines.at(-3), `  "state": ${JSON.stringify(longState(10))}`);
    assert.deepEqual(readdirSync(folder).toSorted(), ["last.json", "turn_5.json"]);
  });

  it("load() takes a checkpoint that a person formatted anew, and one of before there were checksums", async () => {
    const root = newFolder();
    await using store = fileStore(root);
    const manager = new CheckpointManager(store, RUN, 5);
    await manager.save({ ...longState(10), zero: -0 }, "final", { random: 1 });
    const path = join(root, "runs", RUN, "checkpoints", "turn_10.json");
    const text = readFileSync(path, "utf8");
    for (const indent of [0, 2, "\t"]) {
      writeFileSync(path, JSON.stringify(JSON.parse(text), undefined, indent));
      assert.deepEqual((await manager.load(RUN, 10)).checkpoint.state["agents"], longState(10)["agents"]);
    }
    const { state } = JSON.parse(text);
    writeFileSync(
      path,
      JSON.stringify({ state, turn: 10, checkpoint_type: "final", timestamp: "2026-01-02T03:04:05+00:00" }),
    );
    const { checkpoint } = await manager.load(RUN, 10);
    assert.equal(checkpoint.state_sha256, stateChecksum(longState(10)) && stateChecksum(state));
  });
});

function results(turn: number, run = RUN): Parameters<CheckpointManager["saveResults"]>[0] {
  return {
    run_metadata: {
      run_id: run,
      simulation_name: "Test",
      num_agents: 2,
      start_time: "2026-01-02T03:04:05.123456Z",
      end_time: "2026-01-02T03:04:06.123456Z",
      checkpoint_interval: 5,
      config_snapshot: { simulation: { name: "Test" } },
    },
    checkpoints: [5, turn]
      .filter((at, index, all) => all.indexOf(at) === index)
      .map((at) => ({ turn: at, file: `checkpoints/turn_${at}.json` })),
    summary_stats: {
      total_turns: turn,
      termination_reason: "max_turns",
      elapsed_time_seconds: 1.5,
      extra: [1],
    },
    final_state: { turn },
  };
}
