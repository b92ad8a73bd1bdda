import { readFileSync, writeFileSync } from "node:fs";
import { type Claim, fileStore, type Json, memoryStore, type Store } from "@holdfast/storage";
import { temporaryFolder } from "@holdfast/test-kit";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import {
  type NewRun,
  RUN_TRANSITIONS,
  RunError,
  type RunState,
  type RunStatus,
  runStateSchema,
  runStore,
  workflowRunId,
} from "./index.ts";
import { toJson } from "./to-json.ts";

const T0 = 1_767_323_045_123_456n;

/** A clock that goes on by a second whenever it is asked. */
function ticking(): () => bigint {
  let now = T0 - 1_000_000n;
  return () => {
    now += 1_000_000n;
    return now;
  };
}

const run = (run_id: string, change: Partial<NewRun> = {}): NewRun => ({
  run_id,
  kind: "workflow",
  name: "build-and-review",
  config_snapshot: { name: "build-and-review" },
  ...change,
});

async function claimRun(store: Store, worker: string): Promise<Claim> {
  await store.work.offer("runs", "r", {});
  const [claim] = await store.work.claim("runs", worker, { id: "r" });
  if (claim === undefined) throw new Error("not claimed");
  return claim;
}

/** The status a run was brought to, or the code of the error. */
function outcomeOf(result: PromiseSettledResult<RunState>): unknown {
  if (result.status === "fulfilled") return result.value.status;
  const { reason }: { reason: unknown } = result;
  return reason instanceof RunError ? reason.code : reason;
}

describe("create()", () => {
  it("records a running state, and gives it back", async () => {
    await using store = memoryStore();
    const runs = runStore(store, { clock: () => T0 });
    const state = await runs.create(run("r", { task_id: "T-0042", current_stage: "implement" }));
    expect(state).toEqual({
      schema: "holdfast/run-state/v1",
      run_id: "r",
      kind: "workflow",
      name: "build-and-review",
      status: "running",
      task_id: "T-0042",
      current_stage: "implement",
      started_at: "2026-01-02T03:04:05.123456Z",
      updated_at: "2026-01-02T03:04:05.123456Z",
      terminal_events: {},
      config_snapshot: { name: "build-and-review" },
      attempts: 1,
      revision: 1,
    });
    expect(await runs.load("r")).toEqual(state);
  });

  it("one of many that claim an id at once gets it, the others RUN_EXISTS", async () => {
    await using store = memoryStore();
    const runs = runStore(store);
    const settled = await Promise.allSettled(
      Array.from({ length: 8 }, (_, n) => runs.create(run("r", { name: `${n}` }))),
    );
    expect(settled.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    const reasons = settled.flatMap((result): unknown[] =>
      result.status === "rejected" ? [result.reason] : [],
    );
    expect(reasons).toEqual(Array.from({ length: 7 }, () => expect.objectContaining({ code: "RUN_EXISTS" })));
  });

  it.each(["", "..", "a/b", "a b", ".x"])("refuses the id %j", async (id) => {
    await using store = memoryStore();
    await expect(runStore(store).create(run(id))).rejects.toMatchObject({ code: "RUN_INVALID" });
    await expect(runStore(store).load(id)).rejects.toBeInstanceOf(RangeError);
  });
});

describe("update()", () => {
  it("raises the revision by one, and loses no update of many at once", async () => {
    await using store = memoryStore();
    const runs = runStore(store);
    await runs.create(run("r", { turn: 0 }));
    await Promise.all(
      Array.from({ length: 20 }, () => runs.update("r", ({ turn = 0 }) => ({ turn: turn + 1 }))),
    );
    expect(await runs.load("r")).toMatchObject({ turn: 20, revision: 21 });
  });

  it("changes what stands, though somebody else wrote since, and though what it gave away was changed", async () => {
    await using store = memoryStore();
    const [mine, theirs] = [runStore(store), runStore(store)];
    await mine.create(run("r"));
    const given = await mine.update("r", { turn: 1 });
    given.turn = 99;
    expect(await mine.update("r", ({ turn }) => ({ turn: (turn ?? 0) + 1 }))).toMatchObject({
      turn: 2,
      revision: 3,
    });
    await theirs.fail("r", { code: "X", message: "x" });
    expect(await mine.update("r", ({ turn }) => ({ turn: (turn ?? 0) + 1 }))).toMatchObject({
      turn: 3,
      revision: 5,
      status: "failed",
    });
    await theirs.resume("r");
    await mine.update("r", { turn: 4 });
    await theirs.abort("r");
    // What it wrote last says running, which leads to failed; what stands is aborted, which does not.
    await expect(mine.fail("r", { code: "X", message: "x" })).rejects.toMatchObject({
      code: "RUN_TRANSITION",
    });
    await store.documents.delete("runs/r/run");
    await expect(mine.update("r", { turn: 5 })).rejects.toMatchObject({ code: "RUN_NOT_FOUND" });
  });

  it("of those that expect one revision, one wins", async () => {
    await using store = memoryStore();
    const runs = runStore(store);
    await runs.create(run("r"));
    const settled = await Promise.allSettled(
      Array.from({ length: 5 }, (_, n) => runs.update("r", { current_stage: `${n}` }, { expected: 1 })),
    );
    const lost = settled.filter((result) => result.status === "rejected");
    expect(lost).toHaveLength(4);
    for (const { reason } of lost) expect(reason).toMatchObject({ code: "RUN_CONFLICT" });
    expect((await runs.load("r"))?.revision).toBe(2);
  });

  it("removes what is undefined, keeps what it does not know, and does not change what is fixed", async () => {
    await using store = memoryStore();
    const runs = runStore(store, { clock: ticking() });
    await runs.create(run("r", { task_id: "T-1" }));
    await runs.update("r", {
      later_field: { a: 1 },
      task_id: undefined,
      revision: 77,
      updated_at: "x",
    });
    const state = await runs.load("r");
    expect(state).toMatchObject({ later_field: { a: 1 }, revision: 2, schema: "holdfast/run-state/v1" });
    expect(state).not.toHaveProperty("task_id");
    expect(state?.updated_at).toBe("2026-01-02T03:04:06.123456Z");
    for (const change of [{ run_id: "s" }, { kind: "simulation" as const }, { turn: -1 }, { name: "" }]) {
      await expect(runs.update("r", change)).rejects.toMatchObject({ code: "RUN_INVALID" });
    }
    expect((await runs.load("r"))?.revision).toBe(2);
  });

  it("refuses a holder that was fenced off, and a run that is not there", async () => {
    await using store = memoryStore();
    const runs = runStore(store);
    const old = await claimRun(store, "old");
    await runs.create(run("r"), { fence: old });
    await store.work.settle(old, "ready");
    const next = await claimRun(store, "next");
    await expect(runs.update("r", { turn: 1 }, { fence: old })).rejects.toMatchObject({
      code: "STORE_FENCED",
    });
    expect(await runs.update("r", { turn: 2 }, { fence: next })).toMatchObject({ turn: 2, revision: 2 });
    await expect(runs.update("missing", {})).rejects.toMatchObject({ code: "RUN_NOT_FOUND" });
    expect(await runs.load("missing")).toBeUndefined();
  });
});

describe("transitions", () => {
  const statuses = ["running", "completed", "failed", "aborted"] as const;

  it.each(statuses.flatMap((from) => statuses.map((to) => [from, to] as const)))(
    "from %s to %s as the table says",
    async (from, to) => {
      await using store = memoryStore();
      const runs = runStore(store);
      await runs.create(run("r"));
      if (from !== "running") await runs.update("r", { status: from });
      const before = await runs.load("r");
      const allowed = from === to || RUN_TRANSITIONS[from].includes(to);
      const [result] = await Promise.allSettled([runs.update("r", { status: to })]);
      expect(outcomeOf(result)).toBe(allowed ? to : "RUN_TRANSITION");
      const after = await runs.load("r");
      expect(allowed ? after?.status : after).toEqual(allowed ? to : before);
    },
  );

  it("any sequence of actions follows the table, and each success is one revision on", async () => {
    const actions = ["complete", "fail", "abort", "resume"] as const;
    const target: Readonly<Record<(typeof actions)[number], RunStatus>> = {
      complete: "completed",
      fail: "failed",
      abort: "aborted",
      resume: "running",
    };
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom(...actions), { maxLength: 12 }), async (sequence) => {
        await using store = memoryStore();
        const runs = runStore(store, { clock: ticking() });
        let model = await runs.create(run("r"));
        for (const action of sequence) {
          const to = target[action];
          const error = { code: "X", message: "why" };
          const [result] = await Promise.allSettled([
            action === "fail" ? runs.fail("r", error) : runs[action]("r"),
          ]);
          const allowed =
            to === model.status
              ? action !== "resume" || to === "running"
              : RUN_TRANSITIONS[model.status].includes(to);
          expect(outcomeOf(result)).toBe(allowed ? to : "RUN_TRANSITION");
          if (result.status === "rejected") continue;
          const state = result.value;
          expect(state.revision).toBe(model.revision + 1);
          expect(state.attempts).toBe(model.attempts + (action === "resume" ? 1 : 0));
          expect(state.completed_at !== undefined).toBe(to !== "running");
          expect(state.error).toEqual(action === "fail" ? error : to === "running" ? undefined : model.error);
          expect(state.started_at).toBe(model.started_at);
          expect(await runs.load("r")).toEqual(state);
          model = state;
        }
      }),
      { numRuns: 100 },
    );
  });

  it("a run whose process died without a word is resumed from running: one attempt more", async () => {
    await using store = memoryStore();
    const runs = runStore(store);
    await runs.create(run("r"));
    expect(await runs.resume("r")).toMatchObject({ status: "running", attempts: 2, revision: 2 });
    await runs.fail("r", { code: "X", message: "why" });
    expect(await runs.update("r", { status: "running", attempts: 3 })).toMatchObject({ attempts: 3 });
    expect(await runs.load("r")).not.toHaveProperty("error");
  });
});

describe("damage", () => {
  const damages: [string, Json][] = [
    ["a list", []],
    ["a text", "x"],
    ["no status", { run_id: "r", kind: "workflow" }],
    [
      "another run's",
      {
        run_id: "s",
        kind: "workflow",
        name: "x",
        status: "running",
        config_snapshot: {},
        started_at: "2026-01-02T03:04:05Z",
        updated_at: "2026-01-02T03:04:05Z",
      },
    ],
  ];

  it.each(damages)("load() rejects with RUN_DAMAGED and the place: %s", async (_, value) => {
    await using store = memoryStore();
    await store.documents.put("runs/r/run", value);
    await expect(runStore(store).load("r")).rejects.toMatchObject({
      code: "RUN_DAMAGED",
      path: store.locate({ document: "runs/r/run" }),
    });
  });

  it("load() takes a file that is no JSON as damage, and leaves other failures as they are", async () => {
    using folder = temporaryFolder();
    await using store = fileStore(folder.file("store"));
    const runs = runStore(store);
    await runs.create(run("r"));
    const path = folder.file("store/runs/r/run.json");
    for (const text of ["", "{", readFileSync(path, "utf8").slice(0, -20), "\0\0\0"]) {
      writeFileSync(path, text);
      await expect(runs.load("r")).rejects.toMatchObject({ code: "RUN_DAMAGED", path: "runs/r/run.json" });
      await expect(runs.update("r", {})).rejects.toMatchObject({ code: "RUN_DAMAGED" });
    }
    await store.close();
    await expect(runs.load("r")).rejects.toMatchObject({ code: "STORE_CLOSED" });
  });

  it("refuses a newer version by its number, and takes one without the field as the first", async () => {
    await using store = memoryStore();
    const runs = runStore(store);
    const state = await runs.create(run("r"));
    const { schema: _schema, ...bare } = state;
    await store.documents.put("runs/r/run", toJson({ ...bare, schema: "holdfast/run-state/v2" }));
    await expect(runs.load("r")).rejects.toMatchObject({
      code: "RUN_NEWER_FORMAT",
      message: expect.stringContaining("version 2"),
    });
    await store.documents.put("runs/r/run", toJson(bare));
    expect(await runs.load("r")).toEqual(state);
  });
});

async function filled(): Promise<Store> {
  const store = memoryStore();
  const runs = runStore(store);
  for (const id of ["a", "a-b", "a.b", "a0", "b", "c"]) {
    await runs.create(run(id, id === "b" ? { kind: "simulation" } : {}));
    for (let n = 0; n < 3; n += 1) await store.documents.put(`runs/${id}/receipts/T/step-${n}`, {});
    await store.documents.put(`runs/${id}/zzz`, {});
  }
  await store.documents.put("runs/no-state/receipts/T/step-1", {});
  await runs.fail("c", { code: "X", message: "why" });
  return store;
}

const ids = async (states: AsyncIterable<RunState>): Promise<string[]> =>
  Array.fromAsync(states, ({ run_id }) => run_id);

describe("list() and page()", () => {
  it("gives every run once, filtered", async () => {
    await using store = await filled();
    const runs = runStore(store);
    expect(await ids(runs.list())).toEqual(["a-b", "a.b", "a", "a0", "b", "c"]);
    expect(await ids(runs.list({ kind: "simulation" }))).toEqual(["b"]);
    expect(await ids(runs.list({ status: "failed" }))).toEqual(["c"]);
    expect(await ids(runs.list({ kind: "simulation", status: "failed" }))).toEqual([]);
  });

  it("pages join to the list, whatever their size", async () => {
    await using store = await filled();
    const runs = runStore(store);
    for (let limit = 1; limit <= 7; limit += 1) {
      const found: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await runs.page({ limit, ...(cursor === undefined ? {} : { cursor }) });
        expect(page.items.length).toBeLessThanOrEqual(limit);
        found.push(...page.items.map(({ run_id }) => run_id));
        cursor = page.cursor;
      } while (cursor !== undefined);
      expect(found).toEqual(["a-b", "a.b", "a", "a0", "b", "c"]);
    }
    await expect(runs.page({ limit: 0 })).rejects.toBeInstanceOf(RangeError);
  });

  it("skips the documents of runs that have more than a page of them", async () => {
    await using store = memoryStore();
    const runs = runStore(store);
    await runs.create(run("a"));
    await runs.create(run("b"));
    for (let n = 0; n < 2_500; n += 1) await store.documents.put(`runs/a/checkpoints/turn_${n}`, {});
    expect(await ids(runs.list())).toEqual(["a", "b"]);
  });

  it("a damaged state is an error, or left out and told", async () => {
    await using store = await filled();
    await store.documents.put("runs/a/run", []);
    const runs = runStore(store);
    await expect(ids(runs.list())).rejects.toMatchObject({ code: "RUN_DAMAGED" });
    const told: [string, string][] = [];
    const onDamaged = (id: string, error: RunError): void => {
      told.push([id, error.code]);
    };
    expect(await ids(runs.list({ onDamaged }))).toEqual(["a-b", "a.b", "a0", "b", "c"]);
    expect(told).toEqual([["a", "RUN_DAMAGED"]]);
  });
});

describe("workflowRunId()", () => {
  it("has the time in UTC and 8 hex digits of what it is given", () => {
    const options = { clock: () => T0, random: () => Uint8Array.of(0, 1, 0xab, 0xff) };
    expect(workflowRunId(options)).toBe("run-20260102-030405-0001abff");
    expect(workflowRunId()).toMatch(/^run-\d{8}-\d{6}-[0-9a-f]{8}$/);
  });
});

describe("runStateSchema", () => {
  it("gives a JSON Schema to readers and writers", () => {
    for (const io of ["input", "output"] as const) {
      expect(JSON.stringify(z.toJSONSchema(runStateSchema, { io }))).toContain("holdfast/run-state/v1");
    }
  });
});
