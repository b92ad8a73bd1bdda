import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Json, memoryStore } from "@holdfast/storage";
import { describe, expect, it } from "vitest";
import { listReceipts, recordReceipt, runStore } from "../src/index.ts";

// Documents as version 1 wrote them, or as another program did. What reads them must go on to read them.
function golden(name: string): Record<string, Json> {
  const document: Record<string, Json> = JSON.parse(
    readFileSync(join(import.meta.dirname, "golden", name), "utf8"),
  );
  return document;
}

const MINE = "run-20260102-030405-0001abff";
const OTHER = "EconomicTest_2agents_20260102_030405_01";

describe("golden files", () => {
  it("receipts are read with everything in them; what is missing is of version 1", async () => {
    await using store = memoryStore();
    const mine = golden("receipt-v1.json");
    const other = golden("receipt-elsewhere.json");
    await store.documents.put("runs/r/receipts/T-0042/step-1", mine);
    await store.documents.put("runs/r/receipts/T-0042/step-2", other);
    const receipts = await listReceipts(store, "r");
    expect(receipts).toEqual([mine, { schema: "holdfast/receipt/v1", ...other }]);
    for (const receipt of receipts) expect(await recordReceipt(store, "r", receipt)).toEqual(receipt);
  });

  it("run states are read with everything in them, and gone on with", async () => {
    await using store = memoryStore();
    const runs = runStore(store, { clock: () => 0n });
    const mine = golden("run-state-v1.json");
    const other = golden("run-state-elsewhere.json");
    for (const [id, state] of [
      [MINE, mine],
      [OTHER, other],
    ] as const)
      await store.documents.put(`runs/${id}/run`, state);
    expect(await runs.load(MINE)).toEqual(mine);
    expect(await runs.load(OTHER)).toEqual({
      schema: "holdfast/run-state/v1",
      terminal_events: {},
      attempts: 1,
      revision: 1,
      ...other,
    });
    const again = await runs.resume(MINE);
    const { error, completed_at, ...rest } = mine;
    expect([error, completed_at]).not.toContain(undefined);
    expect(again).toEqual({
      ...rest,
      status: "running",
      attempts: 3,
      revision: 18,
      updated_at: "1970-01-01T00:00:00.000000Z",
    });
  });
});
