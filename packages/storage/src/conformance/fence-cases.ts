import assert from "node:assert/strict";
import { item } from "./log-cases.ts";
import { gather, type TestApi, type WithStores } from "./test-api.ts";
import { claimOne } from "./work-cases.ts";

/** Cases of writes under a claim. */
export function fenceCases({ it }: TestApi, withStores: WithStores): void {
  it(
    "fences: the holder writes; an old fence writes nothing and is told the newest token",
    withStores(async (open) => {
      const store = await open();
      await store.work.offer("runs", "r1", {});
      const old = await claimOne(store, "r1");
      await store.documents.put("runs/r1/run", "old", { fence: old });
      await store.logs.append("runs/r1/ledger", [item("m1")], { fence: old });
      await store.work.settle(old, "ready");
      const now = await claimOne(store, "r1");
      const fenced = { code: "STORE_FENCED", token: old.token, actual: now.token };
      await assert.rejects(store.documents.put("runs/r1/run", "late", { fence: old }), fenced);
      await assert.rejects(store.documents.delete("runs/r1/run", { fence: old }), fenced);
      await assert.rejects(store.documents.reserve("runs/r9", { fence: old }), fenced);
      assert.equal(await store.documents.reserve("runs/r9", { fence: now }), true);
      await assert.rejects(store.logs.append("runs/r1/ledger", [item("m2")], { fence: old }), fenced);
      // Known or not, expected or not: an old fence comes first.
      await assert.rejects(store.logs.append("runs/r1/ledger", [item("m1")], { fence: old }), fenced);
      await assert.rejects(
        store.logs.append("runs/r1/ledger", [item("m2")], { fence: old, expected: 9 }),
        fenced,
      );
      await assert.rejects(
        store.documents.put("runs/r1/run", "late", { fence: old, expected: null }),
        fenced,
      );
      assert.equal(await store.work.renew(old), false);
      assert.equal(await store.work.settle(old, "done"), false);
      assert.equal((await store.documents.get("runs/r1/run"))?.value, "old");
      assert.deepEqual((await gather(store.logs.read("runs/r1/ledger"))).length, 1);
      await store.documents.put("runs/r1/run", "new", { fence: now });
      await store.logs.append("runs/r1/ledger", [item("m2")], { fence: now });
      assert.equal(await store.logs.head("runs/r1/ledger"), 2);
    }),
  );

  it(
    "fences: one that was given back, or never given, is refused",
    withStores(async (open) => {
      const store = await open();
      await store.work.offer("runs", "r1", {});
      const claim = await claimOne(store, "r1");
      await store.work.settle(claim, "ready");
      await assert.rejects(store.documents.put("runs/r1/run", 1, { fence: claim }), { code: "STORE_FENCED" });
      const invented = { queue: "runs", id: "r1", token: 99 };
      await assert.rejects(store.documents.put("runs/r1/run", 1, { fence: invented }), {
        code: "STORE_FENCED",
        token: 99,
        actual: claim.token,
      });
      await assert.rejects(
        store.logs.append("runs/r1/ledger", [item("m1")], { fence: { ...invented, id: "none" } }),
        {
          code: "STORE_FENCED",
          actual: 0,
        },
      );
      assert.deepEqual(await store.documents.list(""), { items: [] });
      assert.deepEqual(await store.logs.list(""), []);
    }),
  );

  it(
    "fences: appends of the next holder go on where the last one stopped, its ids known",
    withStores(async (open) => {
      const store = await open();
      await store.work.offer("runs", "r1", {});
      for (let round = 1; round <= 3; round += 1) {
        const fence = await claimOne(store, "r1");
        const known = await store.logs.append("runs/r1/ledger", [item("m0")], { fence });
        assert.deepEqual(known, { position: 1, duplicate: round > 1 });
        const fresh = await store.logs.append("runs/r1/ledger", [item(`m${round}`)], {
          fence,
          expected: round,
        });
        assert.deepEqual(fresh, { position: round + 1, duplicate: false });
        await store.work.settle(fence, "ready");
      }
    }),
  );
}
