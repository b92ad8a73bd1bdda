import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { fileStore, memoryStore, openSealed, type Store } from "@holdfast/storage";
import { temporaryFolder } from "@holdfast/test-kit";
import { describe, it } from "vitest";
import * as z from "zod";
import { faultyStore, InjectedFault } from "../test/faulty-store.ts";
import { idempotencyKey } from "./idempotency-key.ts";
import { oncePlaceOf } from "./once-record.ts";
import { onceStore } from "./once-store.ts";

const KEY = idempotencyKey({ action: "a", task_id: "t", snapshot_id: "s", inputs: {}, expected_outputs: [] });
const NOTHING = { state: "not done" as const };

const FIXED_CLOCK = (): bigint => 1_767_323_045_123_456n;

interface TestStore extends AsyncDisposable {
  readonly store: Store;
}

async function openMemory(): Promise<TestStore> {
  const store = memoryStore();
  return { store, [Symbol.asyncDispose]: () => store.close() };
}

async function openFiles(): Promise<TestStore> {
  const folder = temporaryFolder();
  const store = fileStore(folder.file("store"));
  return {
    store,
    async [Symbol.asyncDispose]() {
      await store.close();
      folder[Symbol.dispose]();
    },
  };
}

/** Leaves an intent without a runner, as a process that dies in the middle does. */
async function leaveInDoubt(store: Store, key: string, inputs: unknown = null): Promise<void> {
  const controller = new AbortController();
  const stopped = onceStore(store, { worker: "the dead one" }).once(
    key,
    inputs,
    () => {
      controller.abort(new Error("dead"));
      throw new Error("dead");
    },
    { signal: controller.signal },
  );
  await assert.rejects(stopped, { message: "dead" });
}

for (const [name, open] of [
  ["memoryStore()", openMemory],
  ["fileStore()", openFiles],
] as const) {
  describe(`once() over ${name}`, () => {
    it("runs the work once and gives the recorded result ever after", async () => {
      await using opened = await open();
      let runs = 0;
      const work = (): { list: number[]; zero: number } => {
        runs += 1;
        return { list: [1, 2], zero: -0 };
      };
      const first = await onceStore(opened.store).once(KEY, { a: 1, b: 2 }, work);
      const second = await onceStore(opened.store).once(KEY, { b: 2, a: 1 }, work);
      assert.deepEqual(first, { list: [1, 2], zero: 0 });
      assert.deepEqual(second, first);
      first.list.push(3);
      assert.deepEqual(
        await onceStore(opened.store).once(KEY, { a: 1, b: 2 }, work),
        second,
        "everybody has a copy of their own",
      );
      assert.equal(runs, 1);
    });

    it("records nothing but JSON where the formats say", async () => {
      await using opened = await open();
      await onceStore(opened.store, { clock: FIXED_CLOCK, worker: "w" }).once(KEY, { a: 1 }, () => ({
        answer: 42,
      }));
      const hex = KEY.slice(3);
      const document = await opened.store.documents.get(`idempotency/${hex.slice(0, 2)}/${hex.slice(2)}`);
      assert.ok(document !== undefined);
      const { value, seal } = openSealed(document.value);
      assert.equal(seal, "whole");
      assert.deepEqual(value, {
        schema: "holdfast/once/v1",
        key: KEY,
        inputs_sha256: "sha256:015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862",
        state: "done",
        attempt: 1,
        claim: { queue: "once", id: hex, token: 1 },
        worker: "w",
        started_at: "2026-01-02T03:04:05.123456Z",
        finished_at: "2026-01-02T03:04:05.123456Z",
        result: { answer: 42 },
      });
    });

    it("refuses a record that was changed after it was written: ONCE_DAMAGED, and nothing is run", async () => {
      await using opened = await open();
      const once = onceStore(opened.store);
      const ask = (): Promise<unknown> => once.once(KEY, {}, () => ({ answer: 42 }));
      await ask();
      const { document } = oncePlaceOf(KEY);
      const whole = JSON.stringify((await opened.store.documents.get(document))?.value);
      for (const [from, to] of [
        ["42", "43"],
        ['"result"', '"resulu"'],
        ['"document_sha256"', '"document_sha257"'],
        ['"done"', '"intent"'],
        [JSON.stringify(KEY), '"\\ud800"'],
      ] as const) {
        await opened.store.documents.put(document, JSON.parse(whole.replace(from, to)));
        await assert.rejects(ask(), { code: "ONCE_DAMAGED" }, from);
      }
    });

    it("takes any text as a key, and keeps different keys apart", async () => {
      await using opened = await open();
      const once = onceStore(opened.store);
      const keys = [
        "a",
        "A",
        "../../etc/passwd",
        "a/b",
        "\u0000",
        "x".repeat(5000),
        "\u{1f600}",
        KEY,
        KEY.toUpperCase(),
        KEY.slice(3),
      ];
      for (const key of keys) assert.equal(await once.once(key, null, () => key), key);
      for (const key of keys) assert.equal(await once.once(key, null, () => "again"), key);
      for (const bad of ["", "\ud800"])
        await assert.rejects(
          once.once(bad, null, () => 1),
          TypeError,
        );
    });

    it("lets many callers of one key at a time share one run, across handles", async () => {
      await using opened = await open();
      const one = onceStore(opened.store);
      const other = onceStore(opened.store, { pollMs: 5 });
      let runs = 0;
      const work = async (): Promise<number> => {
        runs += 1;
        await sleep(30);
        return runs;
      };
      const results = await Promise.all(
        Array.from({ length: 10 }, (_, i) => (i % 2 === 0 ? one : other).once("key", null, work)),
      );
      assert.deepEqual(new Set(results), new Set([1]));
      assert.equal(runs, 1);
    });

    it("rejects with KEY_CONFLICT for other inputs, whatever became of the work, and runs nothing", async () => {
      await using opened = await open();
      const once = onceStore(opened.store);
      let other: Promise<unknown> | undefined;
      const run = (): Promise<unknown> => once.once("key", { n: 2 }, () => assert.fail("must not run"));
      await once.once("key", { n: 1 }, () => {
        other = assert.rejects(run(), { name: "KeyConflictError", code: "KEY_CONFLICT", key: "key" });
        return 1;
      });
      await other;
      await assert.rejects(run(), { code: "KEY_CONFLICT" });
      await leaveInDoubt(opened.store, "doubtful", { n: 1 });
      await assert.rejects(
        once.once("doubtful", { n: 2 }, () => assert.fail("must not run")),
        { code: "KEY_CONFLICT" },
      );
      const failing = once.once("failing", { n: 1 }, () => Promise.reject(new Error("no")));
      await assert.rejects(failing, { message: "no" });
      await assert.rejects(
        once.once("failing", { n: 2 }, () => assert.fail("must not run")),
        { code: "KEY_CONFLICT" },
      );
    });

    it("runs failed work again, or keeps the failure, as the caller says", async () => {
      await using opened = await open();
      const once = onceStore(opened.store);
      const reason = Object.assign(new RangeError("too much"), { code: "E_MUCH" });
      await assert.rejects(
        once.once("key", null, () => {
          throw reason;
        }),
        reason,
      );
      const kept = once.once("key", null, () => assert.fail("must not run"), { onFailure: "keep" });
      await assert.rejects(kept, {
        name: "OnceFailedError",
        code: "ONCE_FAILED",
        failure: { name: "RangeError", message: "too much", code: "E_MUCH" },
      });
      assert.equal((await once.get("key"))?.state, "failed");
      assert.equal(await once.once("key", null, ({ attempt }) => attempt), 2);
      assert.equal(await once.once("key", null, () => 9, { onFailure: "keep" }), 2);
    });

    it("accepts work that gives nothing, and refuses results that are not plain JSON", async () => {
      await using opened = await open();
      const once = onceStore(opened.store);
      let runs = 0;
      const nothing = (): void => {
        runs += 1;
      };
      assert.equal(await once.once("nothing", null, nothing), undefined);
      assert.equal(await once.once("nothing", null, nothing), undefined);
      assert.equal(runs, 1);
      assert.equal(await once.once("null", null, () => null), null);
      for (const bad of [{ at: new Date() }, [undefined], Number.NaN, 1n, "\ud800"]) {
        await assert.rejects(
          once.once("bad", null, () => bad),
          { code: "ONCE_RESULT", message: /"result/ },
        );
      }
      let deep: unknown = 1;
      for (let i = 0; i < 20_000; i += 1) deep = [deep];
      await assert.rejects(
        once.once("deep", null, () => deep),
        { code: "ONCE_RESULT" },
      );
      await assert.rejects(
        once.once("inputs", { a: undefined }, () => assert.fail("must not run")),
        { documentPath: "inputs.a" },
      );
      assert.equal(await once.get("inputs"), undefined);
    });

    it("checks results with a schema, before they are recorded and when they are given", async () => {
      await using opened = await open();
      const once = onceStore(opened.store);
      const schema = z.object({ n: z.number() });
      await assert.rejects(
        once.once<unknown>("key", null, () => ({ n: "1" }), { schema }),
        { code: "ONCE_SCHEMA" },
      );
      assert.deepEqual(await once.once("key", null, () => ({ n: 1 }), { schema }), { n: 1 });
      const other = z.object({ m: z.number() });
      await assert.rejects(
        once.once("key", null, () => ({ m: 1 }), { schema: other }),
        { code: "ONCE_SCHEMA" },
      );
      assert.deepEqual(
        await once.once("key", null, () => ({ n: 2 }), { schema }),
        { n: 1 },
        "the record stands",
      );
    });

    it("leaves work that its signal stopped in doubt, and stops waiting", async () => {
      await using opened = await open();
      const once = onceStore(opened.store);
      const reason = new Error("enough");
      const controller = new AbortController();
      const stopped = once.once(
        "key",
        null,
        async ({ signal }) => {
          controller.abort(reason);
          signal.throwIfAborted();
        },
        { signal: controller.signal },
      );
      const waiting = once.once("key", null, () => "mine");
      await assert.rejects(stopped, reason);
      assert.equal(await waiting, "mine", "another caller is not stopped by it");
      const gate = Promise.withResolvers<string>();
      const slow = once.once("slow", null, () => gate.promise);
      for (const handle of [once, onceStore(opened.store)]) {
        await assert.rejects(
          handle.once("slow", null, () => "no", { signal: AbortSignal.timeout(20) }),
          { name: "TimeoutError" },
        );
      }
      gate.resolve("yes");
      assert.equal(await slow, "yes");
      await assert.rejects(
        once.once("never", null, () => 1, { signal: AbortSignal.abort(reason) }),
        reason,
      );
      assert.equal(await once.get("never"), undefined);
    });

    it("lists what is in doubt, and runs it again, asks a probe or refuses, as the caller says", async () => {
      await using opened = await open();
      const once = onceStore(opened.store);
      const keys = ["run", "probe done", "probe not done", "probe unknown", "reject"];
      for (const key of keys) await leaveInDoubt(opened.store, key);
      await once.once("well", null, () => 1);
      const gate = Promise.withResolvers<number>();
      const busy = once.once("busy", null, () => gate.promise);
      await sleep(50);
      assert.deepEqual(
        new Set((await once.inDoubt()).map(({ key }) => key)),
        new Set(keys),
        "busy is not in doubt",
      );
      const one = (await once.inDoubt()).find(({ key }) => key === "run");
      assert.equal(one?.worker, "the dead one");
      assert.equal(one.attempt, 1);
      gate.resolve(1);
      await busy;

      assert.equal(await once.once("run", null, ({ attempt }) => attempt), 2);
      const asked: string[] = [];
      const done = await once.once<string>("probe done", null, () => assert.fail("must not run"), {
        probe: ({ key, attempt }) => {
          asked.push(`${key} ${attempt}`);
          return { state: "done", result: "found" };
        },
      });
      assert.equal(done, "found");
      assert.deepEqual(asked, ["probe done 1"]);
      assert.equal(await once.once("probe done", null, () => "again"), "found");
      assert.equal(
        await once.once("probe not done", null, () => "made", { probe: () => NOTHING, onDoubt: "reject" }),
        "made",
      );
      const refused = { code: "ONCE_IN_DOUBT", message: /"the dead one"/ };
      const unknown = { probe: () => ({ state: "unknown" as const }), onDoubt: "reject" as const };
      await assert.rejects(
        once.once("probe unknown", null, () => assert.fail("must not run"), unknown),
        refused,
      );
      await assert.rejects(
        once.once("reject", null, () => assert.fail("must not run"), { onDoubt: "reject" }),
        refused,
      );
      assert.deepEqual(
        new Set((await once.inDoubt()).map(({ key }) => key)),
        new Set(["probe unknown", "reject"]),
      );
    });

    it("is settled by a person: done, failed or again, but never against a result or a living runner", async () => {
      await using opened = await open();
      const once = onceStore(opened.store);
      for (const key of ["done", "failed", "again"]) await leaveInDoubt(opened.store, key);
      await once.settle("done", { state: "done", result: { by: "hand" } });
      await once.settle("failed", { state: "failed", message: "it never arrived" });
      await once.settle("again", { state: "again" });
      assert.deepEqual(await once.inDoubt(), []);
      assert.deepEqual(await once.once("done", null, () => ({ by: "work" })), { by: "hand" });
      const kept = once.once("failed", null, () => 1, { onFailure: "keep" });
      await assert.rejects(kept, { code: "ONCE_FAILED", message: /it never arrived/ });
      assert.equal(await once.once("again", { other: "inputs" }, ({ attempt }) => attempt), 1);
      await assert.rejects(once.settle("done", { state: "again" }), { code: "ONCE_SETTLED" });
      await assert.rejects(once.settle("no such", { state: "again" }), { code: "ONCE_UNKNOWN" });
      await assert.rejects(once.settle("failed", { state: "done", result: new Map() }), {
        code: "ONCE_RESULT",
      });
      const gate = Promise.withResolvers<number>();
      const busy = once.once("busy", null, () => gate.promise);
      await sleep(50);
      await assert.rejects(once.settle("busy", { state: "again" }), {
        code: "ONCE_IN_DOUBT",
        message: /right now/,
      });
      gate.resolve(1);
      assert.equal(await busy, 1);
    });

    it("does all work under the caller's own claim, when there is one, and stops when it is lost", async () => {
      await using opened = await open();
      const { store } = opened;
      await store.work.offer("runs", "r1", null);
      const [fence] = await store.work.claim("runs", "w", { id: "r1" });
      assert.ok(fence);
      const once = onceStore(store, { fence });
      assert.equal(await once.once("key", null, () => "made"), "made");
      assert.equal(await store.work.holder("once", oncePlaceOf("key").hex), undefined);
      const gate = Promise.withResolvers<string>();
      const slow = once.once("slow", null, () => gate.promise);
      await sleep(30);
      const waiting = onceStore(store, { pollMs: 5 }).once("slow", null, () => assert.fail("must not run"));
      await sleep(30);
      assert.deepEqual(await once.inDoubt(), []);
      gate.resolve("by the run");
      assert.deepEqual(await Promise.all([slow, waiting]), ["by the run", "by the run"]);
      const late = once.once("late", null, async () => {
        await store.work.settle(fence, "ready");
        return "too late";
      });
      await assert.rejects(late, { code: "STORE_FENCED" });
      assert.equal((await once.get("late"))?.state, "intent");
      assert.equal(await onceStore(store).once("late", null, () => "made again"), "made again");
    });

    it("refuses records that are damaged or newer, and touches nothing", async () => {
      await using opened = await open();
      const once = onceStore(opened.store);
      const { document } = oncePlaceOf("key");
      await once.once("key", null, () => 1);
      const good = z.record(z.string(), z.json()).parse((await opened.store.documents.get(document))?.value);
      for (const [value, code] of [
        [{ ...good, state: "maybe" }, "ONCE_DAMAGED"],
        [{ ...good, key: "other" }, "ONCE_DAMAGED"],
        [{}, "ONCE_DAMAGED"],
        [[], "ONCE_DAMAGED"],
        [{ ...good, schema: "holdfast/once/v2" }, "ONCE_NEWER_VERSION"],
      ] as const) {
        await opened.store.documents.put(document, value);
        await assert.rejects(
          once.once("key", null, () => assert.fail("must not run")),
          { code },
        );
        await assert.rejects(once.settle("key", { state: "again" }), { code });
        assert.deepEqual((await opened.store.documents.get(document))?.value, value);
      }
    });
  });
}

describe("once() over a store that fails", () => {
  it("never repeats recorded work, at whichever call the store fails or loses its answer", async () => {
    for (const when of ["before", "after"] as const) {
      for (let at = 1; ; at += 1) {
        await using opened = await openMemory();
        const faulty = faultyStore(opened.store, { at, when });
        let runs = 0;
        const work = (): string => {
          runs += 1;
          return `run ${runs}`;
        };
        let acknowledged: string | undefined;
        try {
          acknowledged = await onceStore(faulty.store).once("key", null, work);
        } catch (error) {
          assert.ok(error instanceof InjectedFault);
        }
        const clean = faulty.calls() < at;
        const runsBefore = runs;
        const state = (await onceStore(opened.store).get("key"))?.state;
        const doubtful = await onceStore(opened.store).inDoubt();
        assert.equal(doubtful.length, state === "intent" ? 1 : 0, "an intent without a runner is in doubt");
        const result = await onceStore(opened.store).once("key", null, work);
        if (acknowledged !== undefined) assert.equal(result, acknowledged);
        assert.equal(runs, state === "done" ? runsBefore : runsBefore + 1, `call ${at}, ${when}`);
        assert.equal(await onceStore(opened.store).once("key", null, work), result);
        assert.equal((await onceStore(opened.store).get("key"))?.state, "done");
        if (clean) {
          assert.ok(at > 5);
          break;
        }
      }
    }
  });
});

describe("onceStore()", () => {
  it("tells work that its claim is lost, and gives the result of whoever took over", async () => {
    await using opened = await openMemory();
    const { store } = opened;
    const seizing: Store = { ...store, documents: store.documents, work: Object.create(store.work) };
    let lostAt = 0;
    Object.defineProperty(seizing.work, "renew", { value: async () => lostAt === 0 });
    Object.defineProperty(seizing.work, "claim", {
      value: (...given: Parameters<Store["work"]["claim"]>) => store.work.claim(...given),
    });
    for (const name of ["offer", "settle", "holder"] as const) {
      Object.defineProperty(seizing.work, name, { value: store.work[name].bind(store.work) });
    }
    const result = await onceStore(seizing).once(
      "key",
      null,
      async ({ signal }) => {
        lostAt = 1;
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
        assert.equal(signal.reason.code, "ONCE_LOST");
        // The store gave the work to somebody else.
        const hex = oncePlaceOf("key").hex;
        const holder = await store.work.holder("once", hex);
        await store.work.settle(
          { queue: "once", id: hex, token: holder?.token ?? 0, payload: null, worker: "" },
          "ready",
        );
        await onceStore(store).once("key", null, () => "by the other");
        return "too late";
      },
      { leaseMs: 100 },
    );
    assert.equal(result, "by the other");
  });

  it("refuses options that make no sense", async () => {
    await using opened = await openMemory();
    assert.throws(() => onceStore(opened.store, { pollMs: 0 }), RangeError);
    await assert.rejects(
      onceStore(opened.store).once("key", null, () => 1, { leaseMs: 1 }),
      RangeError,
    );
  });
});
