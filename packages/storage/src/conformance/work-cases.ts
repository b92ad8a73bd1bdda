import assert from "node:assert/strict";
import { StoreHeldError } from "../errors.ts";
import type { Claim, Store } from "../store.ts";
import type { TestApi, WithStores } from "./test-api.ts";

/** Ids that are easily mixed up, or lead elsewhere. */
const ODD_IDS = [
  "a",
  "A",
  "a b",
  "a/b",
  "../a",
  "..",
  ".",
  ".hidden",
  "a\0b",
  "a\nb",
  "con",
  "~a",
  "a.",
  "\u00E9",
  "e\u0301",
  "\u{1F600}",
  "x".repeat(300),
  `${"x".repeat(300)}y`,
  "run-20260102-030405-0123abcd",
];

/** Cases of queues. */
export function workCases({ it }: TestApi, withStores: WithStores): void {
  it(
    "work: an item is offered once, claimed by one worker, settled for good",
    withStores(async (open) => {
      const store = await open();
      assert.equal(await store.work.offer("runs", "r1", { goal: "x", n: [1, null] }), true);
      assert.equal(await store.work.offer("runs", "r1", { other: true }), false);
      assert.equal(await store.work.holder("runs", "r1"), undefined);
      const claim = await claimOne(store, "r1");
      assert.deepEqual(claim.payload, { goal: "x", n: [1, null] });
      assert.deepEqual([claim.queue, claim.id, claim.worker], ["runs", "r1", "me"]);
      const holder = await store.work.holder("runs", "r1");
      assert.deepEqual([holder?.worker, holder?.token, holder?.pid], ["me", claim.token, process.pid]);
      assert.equal(await store.work.offer("runs", "r1", {}), false);
      assert.equal(await store.work.renew(claim), true);
      assert.equal(await store.work.settle(claim, "done"), true);
      assert.equal(await store.work.settle(claim, "done"), false);
      assert.equal(await store.work.renew(claim), false);
      assert.equal(await store.work.holder("runs", "r1"), undefined);
      assert.deepEqual(await store.work.claim("runs", "me", { id: "r1" }), []);
      assert.deepEqual(await store.work.claim("runs", "me"), []);
      assert.equal(await store.work.offer("runs", "r1", {}), false);
    }),
  );

  it(
    "work: claiming what another one holds is refused with its holder; claiming any passes it over",
    withStores(async (open) => {
      const store = await open();
      await store.work.offer("runs", "r1", {});
      const claim = await claimOne(store, "r1");
      const refused = await store.work.claim("runs", "you", { id: "r1" }).catch((error: unknown) => error);
      assert.ok(refused instanceof StoreHeldError);
      assert.equal(refused.code, "STORE_HELD");
      assert.deepEqual([refused.holder.worker, refused.holder.token], ["me", claim.token]);
      assert.deepEqual(await store.work.claim("runs", "you"), []);
      assert.equal(await store.work.renew(claim), true);
    }),
  );

  it(
    "work: an item that is given back can be claimed again, under a larger token",
    withStores(async (open) => {
      const store = await open();
      await store.work.offer("runs", "r1", "payload");
      let token = 0;
      for (let round = 0; round < 4; round += 1) {
        const claim = await claimOne(store, "r1");
        assert.ok(claim.token > token);
        assert.equal(claim.payload, "payload");
        ({ token } = claim);
        assert.equal(await store.work.settle(claim, "ready"), true);
      }
    }),
  );

  it(
    "work: many claim at once, each item goes to one of them",
    withStores(async (open) => {
      const store = await open();
      const ids = Array.from({ length: 12 }, (_, n) => `item-${n}`);
      for (const id of ids) await store.work.offer("q", id, id);
      const claims = await Promise.all(
        Array.from({ length: 6 }, (_, n) => store.work.claim("q", `w${n}`, { count: 3 })),
      );
      const rest = await store.work.claim("q", "last", { count: 100 });
      const got = [...claims.flat(), ...rest].map(({ id }) => id);
      assert.deepEqual(got.toSorted(), ids.toSorted());
      assert.deepEqual(await store.work.claim("q", "late"), []);
      const racers = await Promise.allSettled(
        Array.from({ length: 5 }, async (_, n) => {
          await store.work.offer("q", "one", {});
          return store.work.claim("q", `w${n}`, { id: "one" });
        }),
      );
      const winners = racers.filter((racer) => racer.status === "fulfilled" && racer.value.length === 1);
      assert.equal(winners.length, 1);
    }),
  );

  it(
    "work: ids may be any text, and none stands for another",
    withStores(async (open) => {
      const store = await open();
      for (const id of ODD_IDS) assert.equal(await store.work.offer("q", id, id), true, JSON.stringify(id));
      for (const id of ODD_IDS) assert.equal(await store.work.offer("q", id, id), false, JSON.stringify(id));
      assert.equal(await store.work.offer("other", "a", "a"), true);
      const claims = await store.work.claim("q", "me", { count: 100 });
      assert.deepEqual(claims.map(({ id }) => id).toSorted(), ODD_IDS.toSorted());
      for (const { id, payload } of claims) assert.equal(payload, id);
      assert.deepEqual(await store.documents.list(""), { items: [] });
    }),
  );

  it(
    "work: what is not there cannot be claimed, and bad names are refused",
    withStores(async (open) => {
      const store = await open();
      assert.deepEqual(await store.work.claim("none", "me"), []);
      assert.deepEqual(await store.work.claim("none", "me", { id: "x" }), []);
      assert.equal(await store.work.holder("none", "x"), undefined);
      for (const queue of ["", "..", "a/b", ".x", "\u00E9", "x".repeat(101)]) {
        await assert.rejects(store.work.offer(queue, "a", 1), { code: "STORE_KEY" });
        await assert.rejects(store.work.claim(queue, "w"), { code: "STORE_KEY" });
      }
      for (const id of ["", "\uD800", "x".repeat(5_000)]) {
        await assert.rejects(store.work.offer("q", id, 1), { code: "STORE_KEY" });
      }
      await assert.rejects(store.work.claim("q", "w", { count: 0 }), RangeError);
      // @ts-expect-error: what a caller without types may pass
      await assert.rejects(store.work.offer("q", "a", undefined), TypeError);
    }),
  );
}

/** Claims an item that is free. */
export async function claimOne(store: Store, id: string, queue = "runs"): Promise<Claim> {
  const [claim] = await store.work.claim(queue, "me", { id });
  assert.ok(claim !== undefined, `${queue}/${id} is free`);
  return claim;
}
