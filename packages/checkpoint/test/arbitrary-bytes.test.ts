import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { CheckpointLoadError, CheckpointManager, verifyCheckpoints } from "@holdfast/checkpoint";
import { fileStore } from "@holdfast/storage";
import { temporaryFolders } from "@holdfast/test-kit";
import * as fc from "fast-check";
import { describe, it } from "vitest";

const newFolder = temporaryFolders();
const RUN = "run";
const RUNS = process.env["HOLDFAST_LONG"] === "1" ? 5_000 : 60;

async function wholeFiles(): Promise<{
  readonly root: string;
  readonly files: Record<"turn" | "last" | "result", string>;
}> {
  const root = newFolder();
  await using store = fileStore(root);
  const manager = new CheckpointManager(store, RUN, 5);
  await manager.save({ turn: 5, total: 1 }, "final", { random: [1, 2] });
  await manager.save({ turn: 5, total: 1 }, "last");
  await manager.saveResults({
    run_metadata: {
      run_id: RUN,
      simulation_name: "Test",
      num_agents: 1,
      start_time: "2026-01-02T03:04:05Z",
      checkpoint_interval: 5,
      config_snapshot: { seed: 1 },
    },
    checkpoints: [{ turn: 5, file: "checkpoints/turn_5.json" }],
    summary_stats: { total_turns: 5, termination_reason: "max_turns", elapsed_time_seconds: 1 },
    final_state: { turn: 5, total: 1 },
  });
  const folder = join(root, "runs", RUN);
  const turn = join(folder, "checkpoints", "turn_5.json");
  return {
    root,
    files: { turn, last: join(folder, "checkpoints", "last.json"), result: join(folder, "result.json") },
  };
}

/** Anything, JSON of any shape, a compressed frame that is none, and what was a record before somebody put other bytes into it. */
function anyBytes(whole: Buffer): fc.Arbitrary<Uint8Array> {
  const other = fc.oneof(
    fc.uint8Array({ maxLength: 20 }),
    fc.json().map((text) => Buffer.from(text)),
  );
  return fc.oneof(
    fc.uint8Array({ maxLength: 100 }),
    fc.uint8Array({ maxLength: 50 }).map((rest) => Buffer.concat([Buffer.from("28b52ffd", "hex"), rest])),
    fc.json({ noUnicodeString: false }).map((text) => Buffer.from(text)),
    fc
      .tuple(fc.nat(whole.length), fc.nat(60), other)
      .map(([at, length, bytes]) =>
        Buffer.concat([whole.subarray(0, at), bytes, whole.subarray(at + length)]),
      ),
  );
}

describe.each(["turn", "last", "result"] as const)("the reader of %s", (which) => {
  it("gives what was saved, or a CheckpointLoadError, whatever the bytes are; verifyCheckpoints() tells", async () => {
    const { root, files } = await wholeFiles();
    const path = files[which];
    const whole = readFileSync(path);
    await using store = fileStore(root);
    const manager = new CheckpointManager(store, RUN, 5);
    const read = (): Promise<unknown> =>
      which === "result" ? manager.loadResults() : manager.load(RUN, which === "turn" ? 5 : "last");
    mkdirSync(dirname(path), { recursive: true });
    await fc.assert(
      fc.asyncProperty(anyBytes(whole), async (bytes) => {
        writeFileSync(path, bytes);
        const error = await read().then(
          () => undefined,
          (thrown: unknown) => thrown,
        );
        if (error === undefined) return;
        assert.ok(error instanceof CheckpointLoadError, JSON.stringify(error));
        const found = await verifyCheckpoints(store, RUN);
        assert.ok(
          found.some(({ kind }) => kind === error.code),
          `${error.message}, and verify says ${JSON.stringify(found)}`,
        );
      }),
      { numRuns: RUNS },
    );
  });
});
