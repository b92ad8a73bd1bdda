import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolders } from "@holdfast/test-kit";
import { it } from "vitest";
import { item } from "../src/conformance/log-cases.ts";
import { fileStore } from "../src/index.ts";

const newFolder = temporaryFolders();

it("an append to a log that is open here is told of its old fence, whatever else is wrong with it", async () => {
  const root = newFolder();
  await using store = fileStore(root);
  await store.work.offer("runs", "r1", {});
  const [fence] = await store.work.claim("runs", "first", { id: "r1" });
  assert.ok(fence !== undefined);
  await store.logs.append("runs/r1/ledger", [item("m1")], { fence });
  // Somebody broke the claim and took it.
  writeFileSync(join(root, "work", "runs", "r1", "lock", `epoch-${fence.token + 1}`), "{}");
  const fenced = { code: "STORE_FENCED", token: fence.token, actual: fence.token + 1 };
  for (const options of [{ fence, expected: 9 }, { fence, expected: 1 }, { fence }])
    await assert.rejects(store.logs.append("runs/r1/ledger", [item("m2")], options), fenced);
  await assert.rejects(store.logs.append("runs/r1/ledger", [item("m1")], { fence }), fenced);
  assert.equal(await store.logs.head("runs/r1/ledger"), 1);
});
