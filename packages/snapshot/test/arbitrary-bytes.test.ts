import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileStore } from "@holdfast/storage";
import { temporaryFolders } from "@holdfast/test-kit";
import * as fc from "fast-check";
import { describe, it } from "vitest";
import {
  restoreSnapshot,
  type SnapshotManifest,
  snapshotIdOf,
  snapshotStore,
  verifySnapshot,
} from "../src/index.ts";

const newFolder = temporaryFolders();
const RUNS = process.env["HOLDFAST_LONG"] === "1" ? 5_000 : 60;
const REFUSALS = /^(?:SNAPSHOT_(?:DAMAGED|NEWER_VERSION|UNSAFE_PATH|CONTENT)|STORE_(?:DAMAGED|MISSING))$/;

describe("the reader of a manifest", () => {
  it("gives the files that the id names, or an error with its code, whatever the bytes are; nothing is restored outside", async () => {
    const root = newFolder();
    await using store = fileStore(root);
    const sha256 = (await store.objects.put(Buffer.from("a\n"))).checksum;
    const mtime = "2026-01-02T03:04:05.000000Z";
    const files = [{ path: "src/a.mjs", sha256, size: 2, mtime, mode: "0644" }];
    const id = snapshotIdOf(files);
    const manifest: SnapshotManifest = {
      schema: "holdfast/snapshot-manifest/v1",
      snapshot_id: id,
      created_at: mtime,
      workspace_root: "./",
      files,
      contents: true,
    };
    await snapshotStore(store).save(manifest);
    const restored = join(newFolder(), "restored");
    const path = join(root, store.locate({ document: `snapshots/${id}.manifest` }));
    const whole = readFileSync(path);
    const spliced = fc
      .tuple(
        fc.nat(whole.length),
        fc.nat(40),
        fc.oneof(
          fc.uint8Array({ maxLength: 20 }),
          fc.json().map((text) => Buffer.from(text)),
        ),
      )
      .map(([at, length, bytes]) =>
        Buffer.concat([whole.subarray(0, at), bytes, whole.subarray(at + length)]),
      );
    const anyBytes = fc.oneof(
      fc.uint8Array({ maxLength: 100 }),
      fc.json().map((text) => Buffer.from(text)),
      spliced,
    );
    await fc.assert(
      fc.asyncProperty(anyBytes, async (bytes) => {
        writeFileSync(path, bytes);
        for (const use of [
          async () => {
            const { files: read } = await snapshotStore(store).load(id);
            assert.deepEqual(
              read.map((file) => [file.path, file.sha256, file.size]),
              [["src/a.mjs", sha256, 2]],
            );
          },
          () => verifySnapshot(id, { store }),
          () => restoreSnapshot(id, restored, { store }),
        ]) {
          const code = await use().then(
            () => undefined,
            (error: unknown) => String(Object(error).code),
          );
          if (code !== undefined) assert.match(code, REFUSALS);
        }
      }),
      { numRuns: RUNS },
    );
  });
});
