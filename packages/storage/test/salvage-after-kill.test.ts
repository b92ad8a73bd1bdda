import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { nodeFileSystem } from "@holdfast/fsutil";
import { faultyFileSystem } from "@holdfast/fsutil/faults";
import { temporaryFolders } from "@holdfast/test-kit";
import { describe, it } from "vitest";
import { gather } from "../src/conformance/test-api.ts";
import { fileStore } from "../src/index.ts";

const newFolder = temporaryFolders();

const line = (id: string) => ({ text: `{"message_id":"${id}"}` });

/** A log whose writer was killed after a batch was acknowledged: the note about the batch is still there. */
async function killedAfterBatch(): Promise<string> {
  const root = newFolder();
  let isDead = false;
  const fileSystem = faultyFileSystem(nodeFileSystem, {
    at: 1,
    lasting: true,
    counts: ({ operation }) => isDead && operation === "unlink",
  });
  const store = fileStore(root, { fileSystem });
  await store.logs.append("runs/a/ledger", [line("m1")]);
  await store.logs.append("runs/a/ledger", [line("m2")]);
  await store.logs.append("runs/a/ledger", [line("m3"), line("m4"), line("m5")]);
  isDead = true;
  await store.close();
  assert.ok(readdirSync(join(root, "runs/a")).includes("ledger.ndjson.batch"));
  return root;
}

describe("salvage of a log whose writer was killed after a batch", () => {
  it("takes out the damaged line and nothing that was acknowledged", async () => {
    const root = await killedAfterBatch();
    const path = join(root, "runs/a/ledger.ndjson");
    writeFileSync(path, readFileSync(path, "utf8").replace('"m1"', '"m1#'));
    await using store = fileStore(root);
    const [finding] = await store.repair({ salvage: true });
    assert.deepEqual([finding?.kind, finding?.line, finding?.repaired], ["damaged-line", 1, true]);
    await store.logs.append("runs/a/ledger", [line("m6")]);
    const left = (await gather(store.logs.read("runs/a/ledger"))).map(({ text }) => text);
    assert.deepEqual(
      left,
      ["m2", "m3", "m4", "m5", "m6"].map((id) => line(id).text),
    );
  });

  it("leaves a batch that was cut off absent as a whole", async () => {
    const root = await killedAfterBatch();
    const path = join(root, "runs/a/ledger.ndjson");
    const text = readFileSync(path, "utf8").replace('"m1"', '"m1#');
    writeFileSync(path, text.slice(0, text.indexOf('{"message_id":"m5"')));
    await using store = fileStore(root);
    await store.repair({ salvage: true });
    const left = (await gather(store.logs.read("runs/a/ledger"))).map(({ text: kept }) => kept);
    assert.deepEqual(left, [line("m2").text]);
  });
});
