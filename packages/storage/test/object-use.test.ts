import assert from "node:assert/strict";
import { statSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolders } from "@holdfast/test-kit";
import { describe, it } from "vitest";
import { fileStore } from "../src/index.ts";

const newFolder = temporaryFolders();
const OLD = Date.now() / 1_000 - 7 * 86_400;

describe("an object's time", () => {
  it("is new after has() and put() of what is there, and stays after get() and list()", async () => {
    const root = newFolder();
    await using store = fileStore(root);
    const content = Buffer.from("kept once");
    const { checksum } = await store.objects.put(content);
    const path = join(root, store.locate({ object: checksum }));
    const ageAfter = async (use: () => Promise<unknown>): Promise<number> => {
      utimesSync(path, OLD, OLD);
      await use();
      return Date.now() - statSync(path).mtimeMs;
    };
    assert.ok((await ageAfter(() => store.objects.has(checksum))) < 60_000);
    assert.ok((await ageAfter(() => store.objects.put(content))) < 60_000);
    const read = () => Array.fromAsync(store.objects.get(checksum));
    assert.ok((await ageAfter(read)) > 86_400_000);
    assert.ok((await ageAfter(() => Array.fromAsync(store.objects.list()))) > 86_400_000);
  });
});
