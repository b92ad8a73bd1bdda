import assert from "node:assert/strict";
import type { Store } from "../store.ts";
import { increment } from "./document-cases.ts";
import { item } from "./log-cases.ts";
import { gather, type TestApi, type WithStores } from "./test-api.ts";
import { claimOne } from "./work-cases.ts";

/** Cases of what outlives a store, for those that say that something does. */
export function restartCases({ it }: TestApi, withStores: WithStores): void {
  it(
    "restart: everything that was written is there again",
    withStores(
      whereKept(async (open) => {
        const first = await open();
        const { revision } = await first.documents.put("runs/r1/run", { n: 1 });
        await first.logs.append("runs/r1/ledger", [item("m1"), item("m2"), { text: " {} " }]);
        const { checksum } = await first.objects.put(Buffer.from("content"));
        assert.equal(await first.documents.reserve("runs/r3"), true);
        await first.documents.put("runs/r1/packed", [1], { compression: "zstd" });
        await first.work.offer("runs", "r1", { p: 1 });
        await first.work.offer("runs", "r2", {});
        await first.work.settle(await claimOne(first, "r2"), "failed");
        await first.close();

        const second = await open();
        assert.deepEqual(await second.documents.get("runs/r1/run"), { value: { n: 1 }, revision });
        assert.equal(await second.documents.reserve("runs/r3"), false);
        assert.deepEqual((await second.documents.get("runs/r1/packed"))?.value, [1]);
        assert.equal(await second.logs.head("runs/r1/ledger"), 3);
        assert.deepEqual(
          (await gather(second.logs.read("runs/r1/ledger"))).map(({ text }) => text),
          [item("m1").text, item("m2").text, " {} "],
        );
        assert.equal(String(Buffer.concat(await gather(second.objects.get(checksum)))), "content");
        assert.deepEqual((await claimOne(second, "r1")).payload, { p: 1 });
        assert.deepEqual(await second.work.claim("runs", "me", { id: "r2" }), []);
      }),
    ),
  );

  it(
    "restart: a retry whose first answer was lost writes nothing twice",
    withStores(
      whereKept(async (open) => {
        const first = await open();
        await first.logs.append("runs/r1/ledger", [item("m1")]);
        await first.logs.append("runs/r1/ledger", [item("m2"), item("m3")], { expected: 1 });
        await first.logs.append("runs/r1/ledger", [{ text: "{}" }]);
        await first.close();

        const second = await open();
        const retry = await second.logs.append("runs/r1/ledger", [item("m2"), item("m3")], { expected: 1 });
        assert.deepEqual(retry, { position: 3, duplicate: true });
        const more = await second.logs.append("runs/r1/ledger", [item("m3"), item("m4")]);
        assert.deepEqual(more, { position: 5, duplicate: false });
        assert.equal(await second.logs.head("runs/r1/ledger"), 5);
      }),
    ),
  );

  it(
    "restart: closing gives claims back; tokens go on rising and old fences stay refused",
    withStores(
      whereKept(async (open) => {
        const first = await open();
        await first.work.offer("runs", "r1", {});
        const old = await claimOne(first, "r1");
        await first.close();
        const second = await open();
        await assert.rejects(second.documents.put("runs/r1/run", 1, { fence: old }), {
          code: "STORE_FENCED",
        });
        const now = await claimOne(second, "r1");
        assert.ok(now.token > old.token);
        await assert.rejects(second.documents.put("runs/r1/run", 1, { fence: old }), { actual: now.token });
      }),
    ),
  );

  it(
    "logs: what was only written is there after sync() and close(), and in other stores",
    withStores(
      whereKept(async (open) => {
        const first = await open();
        const written = { durability: "written", whole: false } as const;
        await first.logs.append("notes", [item("m1"), item("m2")], written);
        assert.equal((await gather((await open()).logs.read("notes"))).length, 2);
        await first.logs.sync("notes");
        await first.logs.append("notes", [item("m3")], written);
        await first.close();
        const second = await open();
        assert.deepEqual(await second.logs.append("notes", [item("m3")]), { position: 3, duplicate: true });
        assert.equal((await second.logs.count("notes", {})).count, 3);
      }),
    ),
  );

  it(
    "two stores on one place: one winner a claim, updates and appends of both",
    withStores(
      whereKept(async (open) => {
        const one = await open();
        const two = await open();
        await one.work.offer("runs", "r1", {});
        const claim = await claimOne(one, "r1");
        await assert.rejects(two.work.claim("runs", "you", { id: "r1" }), { code: "STORE_HELD" });
        assert.equal((await two.work.holder("runs", "r1"))?.token, claim.token);
        // A fence can be handed to another store.
        await two.documents.put("runs/r1/run", 0, { fence: claim });
        await Promise.all([increment(one, "runs/r1/run", 10), increment(two, "runs/r1/run", 10)]);
        assert.equal((await one.documents.get("runs/r1/run"))?.value, 20);
        await one.logs.append("notes", [item("m1")]);
        assert.deepEqual(await two.logs.append("notes", [item("m1")]), { position: 1, duplicate: true });
        assert.deepEqual(await two.logs.append("notes", [item("m2")]), { position: 2, duplicate: false });
        assert.deepEqual(await one.logs.append("notes", [item("m2")]), { position: 2, duplicate: true });
        assert.deepEqual(
          (await gather(one.logs.read("notes"))).map(({ position }) => position),
          [1, 2],
        );
      }),
    ),
  );
}

function whereKept(body: (open: () => Promise<Store>) => Promise<void>) {
  return async (open: () => Promise<Store>): Promise<void> => {
    const { capabilities } = await open();
    if (capabilities.survives !== "nothing") await body(open);
  };
}
