import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolders } from "@holdfast/test-kit";
import { describe, it } from "vitest";
import { gather } from "../src/conformance/test-api.ts";
import { fileStore } from "../src/index.ts";

const newFolder = temporaryFolders();

async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

describe("an object that is put in two forms", () => {
  it("keeps the compressed one, which another process may have put a moment ago", async () => {
    const root = newFolder();
    await using store = fileStore(root);
    // Its beginning can be compressed, all of it cannot: in one piece it is kept plain, as a stream compressed.
    const bytes = Buffer.concat([Buffer.alloc(70_000, "a"), randomBytes(1_200_000)]);
    const { checksum } = await store.objects.put(pieces(bytes));
    const compressed = join(root, store.locate({ object: checksum }));
    assert.match(compressed, /\.zst$/);
    writeFileSync(compressed, "damaged");
    await store.objects.put(bytes);
    assert.equal(existsSync(compressed), true);
    assert.ok(Buffer.concat(await gather(store.objects.get(checksum))).equals(bytes));
    // And the other way round: what is read must be the new one.
    const plain = compressed.slice(0, -".zst".length);
    writeFileSync(plain, "damaged");
    await store.objects.put(pieces(bytes));
    assert.ok(Buffer.concat(await gather(store.objects.get(checksum))).equals(bytes));
  });
});
