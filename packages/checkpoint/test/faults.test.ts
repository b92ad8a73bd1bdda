import assert from "node:assert/strict";
import { env } from "node:process";
import { inspect } from "node:util";
import {
  CheckpointManager,
  CheckpointSaveError,
  runIdGenerator,
  type SimulationState,
} from "@holdfast/checkpoint";
import type { FileSystem } from "@holdfast/fsutil";
import { type CrashDisk, crashDisk, type FaultPlan, faultyFileSystem } from "@holdfast/fsutil/faults";
import { fileStore, parseTimestamp, StoreError } from "@holdfast/storage";
import { describe, it } from "vitest";
import { longState } from "./states.ts";

const LONG = env["HOLDFAST_LONG"] === "1";
const RUN = "run";
const OLD = [5, 10];
const clock = (): bigint => parseTimestamp("2026-01-02T03:04:05.123456Z");

type Save = (manager: CheckpointManager, state: SimulationState) => Promise<unknown>;

const SAVES: readonly (readonly [name: string, save: Save])[] = [
  ["last", (manager, state) => manager.save(state, "last", { random: [state.turn] })],
  ["interval", (manager, state) => manager.save(state, "interval", { random: [state.turn] })],
  [
    "last and interval",
    async (manager, state) => {
      await manager.save(state, "last", { random: [state.turn] });
      await manager.save(state, "final", { random: [state.turn] });
    },
  ],
];

const SIZES: readonly (readonly [name: string, state: (turn: number) => SimulationState])[] = [
  ["a short state", (turn) => longState(turn, 2)],
  ["a long state", (turn) => ({ turn, zero: -0, text: String(turn).repeat(140_000), a: turn })],
];

const PLANS: readonly (readonly [string, FaultPlan])[] = [
  ["EIO once", { errno: "EIO" }],
  ["ENOSPC for good", { errno: "ENOSPC", lasting: true }],
  ["EROFS for good", { errno: "EROFS", lasting: true }],
  ["short writes", { shortWrites: true, counts: ({ operation }) => operation === "write" }],
  ["EIO after the effect", { errno: "EIO", afterEffect: true }],
];

/** A disk with the checkpoints of before on it, all of it durable. */
async function prepare(
  state: (turn: number) => SimulationState,
  compression: "none" | "zstd",
): Promise<CrashDisk> {
  const disk = crashDisk();
  await using store = fileStore("/store", { fileSystem: disk });
  const manager = new CheckpointManager(store, RUN, 5, { clock, compression });
  for (const turn of OLD) await manager.save(state(turn), "interval", { random: [turn] });
  await manager.save(state(14), "last", { random: [14] });
  return disk;
}

/** Everything that was there is whole; the new one is there, or not; and the run goes on. */
async function expectWhole(
  fileSystem: FileSystem,
  state: (turn: number) => SimulationState,
  acknowledged: boolean,
  save: Save,
): Promise<void> {
  await using store = fileStore("/store", { fileSystem });
  const manager = new CheckpointManager(store, RUN, 5, { clock });
  for (const turn of OLD) assert.deepEqual((await manager.load(RUN, turn)).checkpoint.state, state(turn));
  const { checkpoint, fallback } = await manager.load(RUN, "last");
  assert.equal(fallback, undefined);
  assert.ok([14, 15].includes(checkpoint.turn));
  assert.deepEqual(checkpoint.state, state(checkpoint.turn));
  assert.deepEqual(checkpoint.random, [checkpoint.turn]);
  const turns = (await manager.list()).map(({ turn }) => turn);
  assert.deepEqual(
    turns.filter((turn) => turn !== 15),
    OLD,
  );
  if (turns.includes(15)) assert.deepEqual((await manager.load(RUN, 15)).checkpoint.state, state(15));
  // Once the disk is well, the same save goes through, whatever came of the first.
  await save(manager, state(15));
  const after = [(await manager.list()).length, (await manager.load(RUN, "last")).checkpoint.turn];
  if (acknowledged) assert.deepEqual(after, [turns.length, checkpoint.turn]);
}

describe("a save whose file system fails", () => {
  for (const [size, state] of SIZES) {
    for (const [name, save] of SAVES) {
      for (const compression of ["none", "zstd"] as const) {
        if (compression === "zstd" && name !== "last") continue;
        const disks = async (): Promise<(at: number) => CrashDisk> => {
          const forms = [await prepare(state, compression), await prepare(state, "none")] as const;
          return (at) => forms[at % 2 === 0 ? 1 : 0].afterPowerLoss("synced");
        };
        it(`${name} of ${size} (${compression}): at any call, in any way: a CheckpointSaveError, and nothing old is lost`, async () => {
          const newDisk = await disks();
          // What a fault does to a save does not depend on its length; each takes its time, though.
          const isShort = size === "a short state" || LONG;
          for (const [plan, options] of isShort
            ? PLANS
            : PLANS.filter(([called]) => !called.endsWith("good"))) {
            for (let at = 1; ; at += isShort ? 1 : 3) {
              const disk = newDisk(at);
              const before = disk.paths();
              const fileSystem = faultyFileSystem(disk, { ...options, at });
              const store = fileStore("/store", { fileSystem });
              const manager = new CheckpointManager(store, RUN, 5, { clock, compression });
              const error: unknown = await save(manager, state(15)).then(
                () => undefined,
                (reason: unknown) => reason,
              );
              await store.close().catch(() => undefined);
              if (error !== undefined) {
                assert.ok(error instanceof CheckpointSaveError, `${plan}, call ${at}: ${inspect(error)}`);
                assert.equal(error.code, "CHECKPOINT_SAVE");
                assert.match(error.path, /^runs\/run\/checkpoints\/(?:last|turn_15)\.json/);
                assert.ok(error.cause instanceof StoreError);
                assert.match(error.message, /resume the run$/);
              }
              assert.equal(fileSystem.openFiles, 0);
              // A temporary file that cannot be removed, because nothing can be, is left to the next writer's cleaning.
              if (options.lasting !== true && options.afterEffect !== true) {
                const left = disk.paths().filter((path) => !before.includes(path));
                assert.deepEqual(
                  left.filter((path) => path.includes(".tmp.")),
                  [],
                  `${plan}, call ${at}`,
                );
              }
              await expectWhole(disk, state, error === undefined, save);
              if (fileSystem.injected === 0) {
                assert.equal(error, undefined);
                break;
              }
            }
          }
        });

        it(`${name} of ${size} (${compression}): after power loss at any call there is what was acknowledged, and nothing in parts`, async () => {
          const newDisk = await disks();
          for (let at = 1; ; at += size === "a short state" || LONG ? 1 : 3) {
            const disk = newDisk(at);
            const dying = faultyFileSystem(disk, { at, lasting: true });
            const store = fileStore("/store", { fileSystem: dying });
            const acknowledged = await save(
              new CheckpointManager(store, RUN, 5, { clock, compression }),
              state(15),
            ).then(
              () => true,
              () => false,
            );
            for (const kept of ["synced", "names", "everything"] as const) {
              await expectWhole(disk.afterPowerLoss(kept), state, acknowledged, save);
            }
            await store.close().catch(() => undefined);
            if (dying.injected > 0) continue;
            assert.equal(acknowledged, true);
            break;
          }
        });
      }
    }
  }

  it("next() of a RunIdGenerator: a fault at any call gives an error of the store or an id that is durable", async () => {
    for (const [, options] of PLANS) {
      for (let at = 1; ; at += 1) {
        const disk = crashDisk();
        const fileSystem = faultyFileSystem(disk, { ...options, at });
        const store = fileStore("/store", { fileSystem });
        const id: unknown = await runIdGenerator(store, { clock })
          .next({ name: "a", agents: 1 })
          .catch((error: unknown) => error);
        await store.close().catch(() => undefined);
        if (typeof id !== "string") assert.ok(id instanceof StoreError, String(id));
        for (const kept of ["synced", "names", "everything"] as const) {
          await using next = fileStore("/store", { fileSystem: disk.afterPowerLoss(kept) });
          const other = await runIdGenerator(next, { clock }).next({ name: "a", agents: 1 });
          assert.notEqual(other, id);
        }
        if (fileSystem.injected === 0) {
          assert.equal(id, "a_1agents_20260102_030405_01");
          break;
        }
      }
    }
  });
});
