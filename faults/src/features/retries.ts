import assert from "node:assert/strict";
import { CheckpointManager } from "@holdfast/checkpoint";
import { onceStore } from "@holdfast/idempotency";
import type { Json } from "@holdfast/storage";
import { type Feature, feature } from "../feature.ts";
import { afterCrash, withStore } from "../simulated-store.ts";
import { tryAgain } from "../try-again.ts";

const KEY = "runs/a/run";
const LOG = "runs/a/ledger";
const RUN = "Tides_2agents_20260102_030405_01";
const NUMBERS = [1, 2, 3, 4];

/** Whether one of three attempts was acknowledged. */
function succeeds(attempt: () => Promise<unknown>): Promise<boolean> {
  return tryAgain(attempt).then(
    () => true,
    () => false,
  );
}

/** Of values that only grow: the last acknowledged one is there, or one that was begun after it. */
function checkGrown(
  found: number | undefined,
  begun: readonly number[],
  acknowledged: readonly number[],
): void {
  const least = acknowledged.at(-1) ?? 0;
  const isBegun = found === undefined ? least === 0 : begun.includes(found);
  assert.ok(isBegun && (found ?? 0) >= least, `there is ${found} after ${least} was acknowledged`);
}

/** What callers do who try again after an error. */
export const RETRIES: readonly Feature[] = [
  feature<number, Json | undefined>(
    "document put again after an error",
    "what a second attempt acknowledges is as durable as if the first had not failed",
    {
      workload: ({ fileSystem, begin, acknowledge }) =>
        withStore(fileSystem, async (store) => {
          for (const number of NUMBERS) {
            begin(number);
            if (await succeeds(() => store.documents.put(KEY, number))) acknowledge(number);
          }
        }),
      recover: (disk) => afterCrash(disk, async (store) => (await store.documents.get(KEY))?.value),
      check: ({ recovered, begun, acknowledged }) =>
        checkGrown(recovered as number | undefined, begun, acknowledged),
    },
  ),
  feature<number, readonly number[]>(
    "lines appended again after an error",
    "acknowledged lines stay, in order; a line whose first attempt had taken effect may be there twice",
    {
      workload: ({ fileSystem, begin, acknowledge }) =>
        withStore(fileSystem, async (store) => {
          for (const number of NUMBERS) {
            begin(number);
            if (await succeeds(() => store.logs.append(LOG, [{ text: `{"n":${number}}` }])))
              acknowledge(number);
          }
        }),
      recover: (disk) =>
        afterCrash(disk, async (store) => {
          const found: number[] = [];
          for await (const { text } of store.logs.read(LOG))
            found.push((JSON.parse(text) as { n: number }).n);
          return found;
        }),
      check: ({ recovered, begun, acknowledged }) => {
        const text = JSON.stringify(recovered);
        assert.deepEqual(
          recovered,
          recovered.toSorted((a, b) => a - b),
          `${text} is not in order`,
        );
        for (const number of acknowledged) assert.ok(recovered.includes(number), `${text} lacks ${number}`);
        for (const number of recovered) assert.ok(begun.includes(number), `nobody wrote ${number}`);
      },
    },
  ),
  feature<number, number | undefined>(
    "checkpoint saved again after an error",
    "the last saved turn is there, whole",
    {
      workload: ({ fileSystem, begin, acknowledge }) =>
        withStore(fileSystem, async (store) => {
          const checkpoints = new CheckpointManager(store, RUN, null);
          for (const turn of NUMBERS) {
            begin(turn);
            if (await succeeds(() => checkpoints.save({ turn, water: "x".repeat(turn * 100) }, "last")))
              acknowledge(turn);
          }
        }),
      recover: (disk) =>
        afterCrash(disk, async (store) => {
          try {
            return (await new CheckpointManager(store, RUN, null).load(RUN, "last")).checkpoint.turn;
          } catch (error) {
            if ((error as { code?: string }).code === "CHECKPOINT_MISSING") return undefined;
            throw error;
          }
        }),
      check: ({ recovered, begun, acknowledged }) => checkGrown(recovered, begun, acknowledged),
    },
  ),
  feature<string, ReadonlyMap<string, string>>(
    "work asked for again after an error",
    "a result that was given is the one that is recorded, and is never made again",
    {
      workload: ({ fileSystem, begin, acknowledge }) =>
        withStore(fileSystem, async (store, clock) => {
          const once = onceStore(store, { worker: "first", clock });
          let runs = 0;
          for (const key of ["a", "b"]) {
            let result = "";
            begin(key);
            const isGiven = await succeeds(async () => {
              result = await once.once(key, {}, () => `${key} run ${(runs += 1)}`);
            });
            if (isGiven) acknowledge(result);
          }
        }),
      recover: (disk) =>
        afterCrash(disk, async (store, clock) => {
          const once = onceStore(store, { worker: "second", clock });
          const found = new Map<string, string>();
          for (const key of ["a", "b"]) found.set(key, await once.once(key, {}, () => `${key} again`));
          return found;
        }),
      check: ({ recovered, acknowledged }) => {
        for (const result of acknowledged)
          assert.equal(recovered.get(result.charAt(0)), result, "a result that was given");
      },
    },
  ),
];
