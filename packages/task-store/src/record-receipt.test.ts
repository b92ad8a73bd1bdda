import { type Json, memoryStore, openSealed } from "@holdfast/storage";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { artifact, receipt } from "../test/receipts.ts";
import { listReceipts, type ReceiptInput, receiptSchema, recordReceipt } from "./index.ts";
import { toJson } from "./to-json.ts";

describe("recordReceipt()", () => {
  it("keeps a receipt, unknown fields included, under its task and step", async () => {
    await using store = memoryStore();
    const mine = receipt(1, { later_field: [1, null], approved_plan: { steps: ["a"] }, clarifications: [] });
    expect(await recordReceipt(store, "r", mine)).toEqual(mine);
    const kept = await store.documents.get("runs/r/receipts/T-0042/step-1");
    expect(openSealed(kept?.value ?? null)).toEqual({ value: mine, seal: "whole" });
    expect(await listReceipts(store, "r")).toEqual([mine]);
  });

  it("a receipt that was changed in one place is RECEIPT_DAMAGED; without its seal it is taken as it is", async () => {
    await using store = memoryStore();
    await recordReceipt(store, "r", receipt(1, { instruction: "make it" }));
    const key = "runs/r/receipts/T-0042/step-1";
    const kept = (await store.documents.get(key))?.value;
    const other: Record<string, Json> = { ...(kept as Record<string, Json>), instruction: "make a" };
    const { document_sha256, ...changed } = other;
    await store.documents.put(key, { ...changed, document_sha256: document_sha256 ?? null });
    await expect(listReceipts(store, "r")).rejects.toMatchObject({ code: "RECEIPT_DAMAGED" });
    await store.documents.put(key, changed);
    expect(await listReceipts(store, "r")).toEqual([changed]);
  });

  it("the same receipt again is fine, and the first stands", async () => {
    await using store = memoryStore();
    const first = receipt(1);
    await recordReceipt(store, "r", first);
    const again = await recordReceipt(store, "r", {
      ...first,
      created_at: "2027-01-01T00:00:00.000000Z",
      task_title: undefined,
    });
    expect(again).toEqual(first);
    const { schema: _schema, ...bare } = first;
    expect(await recordReceipt(store, "r", bare)).toEqual(first);
  });

  it("refuses a different one for the same step, and says in what it differs", async () => {
    await using store = memoryStore();
    const first = receipt(1);
    await recordReceipt(store, "r", first);
    for (const change of [
      { events: [] },
      { artifacts: [artifact("a", "1")] },
      { action: "review" },
      { more: 1 },
    ]) {
      const [name = ""] = Object.keys(change);
      await expect(recordReceipt(store, "r", receipt(1, change))).rejects.toMatchObject({
        code: "RECEIPT_CONFLICT",
        message: expect.stringContaining(`it differs in ${name};`),
      });
    }
    expect(await listReceipts(store, "r")).toEqual([first]);
  });

  it("of two different ones at once, one stands", async () => {
    await using store = memoryStore();
    const settled = await Promise.allSettled([
      recordReceipt(store, "r", receipt(1, { events: ["a"] })),
      recordReceipt(store, "r", receipt(1, { events: ["b"] })),
    ]);
    expect(settled.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected"]);
  });

  it.each<[string, ReceiptInput]>([
    ["step 0", receipt(0)],
    ["a task with a slash", receipt(1, { task_id: "a/b" })],
    ["a task that leads upwards", receipt(1, { task_id: ".." })],
    ["an artifact without a checksum", receipt(1, { artifacts: [{ path: "a", sha256: "x", size: 1 }] })],
    ["a time that does not exist", receipt(1, { created_at: "2026-02-31T00:00:00Z" })],
    ["nothing", JSON.parse("null")],
  ])("refuses %s with RECEIPT_INVALID", async (_, value) => {
    await using store = memoryStore();
    await expect(recordReceipt(store, "r", value)).rejects.toMatchObject({
      code: "RECEIPT_INVALID",
    });
  });

  it("refuses a holder that was fenced off", async () => {
    await using store = memoryStore();
    const fence = { queue: "runs", id: "r", token: 1 };
    await expect(recordReceipt(store, "r", receipt(1), { fence })).rejects.toMatchObject({
      code: "STORE_FENCED",
    });
    expect(await listReceipts(store, "r")).toEqual([]);
  });
});

describe("listReceipts()", () => {
  it("is in the order of the steps, also beyond 9 and beyond a page, and of one task when asked", async () => {
    await using store = memoryStore();
    const all = Array.from({ length: 1_200 }, (_, n) =>
      receipt(n + 1, { task_id: n % 2 === 0 ? "T" : "T-2" }),
    );
    for (const one of all.toReversed()) await recordReceipt(store, "r", one);
    expect(await listReceipts(store, "r")).toEqual(all);
    expect(await listReceipts(store, "r", { taskId: "T" })).toEqual(
      all.filter(({ task_id }) => task_id === "T"),
    );
    expect(await listReceipts(store, "r", { taskId: "none" })).toEqual([]);
    expect(await listReceipts(store, "other")).toEqual([]);
  });

  it("names a receipt that is damaged, in the wrong place, or newer", async () => {
    for (const [value, code] of [
      [{}, "RECEIPT_DAMAGED"],
      [receipt(2), "RECEIPT_DAMAGED"],
      [{ ...receipt(1), schema: "holdfast/receipt/v3" }, "RECEIPT_NEWER_FORMAT"],
      [{ ...receipt(1), schema: "something/else" }, "RECEIPT_DAMAGED"],
    ] as const) {
      await using store = memoryStore();
      const key = "runs/r/receipts/T-0042/step-1";
      await store.documents.put(key, toJson(value));
      await expect(listReceipts(store, "r")).rejects.toMatchObject({
        code,
        path: store.locate({ document: key }),
      });
    }
  });
});

describe("receiptSchema", () => {
  it("gives a JSON Schema to readers and writers", () => {
    for (const io of ["input", "output"] as const) {
      expect(JSON.stringify(z.toJSONSchema(receiptSchema, { io }))).toContain("holdfast/receipt/v1");
    }
  });
});
