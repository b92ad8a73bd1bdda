import assert from "node:assert/strict";
import { type FileStore, type Json, StoreDamagedError } from "@holdfast/storage";
import { type Feature, feature } from "../feature.ts";
import { afterCrash, withStore } from "../simulated-store.ts";

const KEY = "runs/a/notes";

function text(number: number): string {
  const value: Json = { number, pad: "x".repeat((number * 97) % 400) };
  return JSON.stringify(value);
}

async function numbersIn(store: FileStore): Promise<number[]> {
  const found: number[] = [];
  for await (const one of store.logs.read(KEY))
    found.push((JSON.parse(one.text) as { number: number }).number);
  return found;
}

/** Lines that many callers append at once. */
export const GROUPS: readonly Feature[] = [
  feature<number, number[]>(
    "lines of many callers",
    "acknowledged lines stay, in the order of the calls; where a disk kept only later parts of an unacknowledged group, the log is refused with its place, and salvage brings all acknowledged lines back",
    {
      workload: ({ fileSystem, begin, acknowledge }) =>
        withStore(fileSystem, async (store) => {
          for (const first of [0, 6]) {
            const group = [0, 1, 2, 3, 4, 5].map((one) => first + one);
            for (const number of group) begin(number);
            await Promise.all(
              group.map(async (number) => {
                await store.logs.append(KEY, [{ text: text(number) }]);
                acknowledge(number);
              }),
            );
          }
        }),
      recover: (disk) =>
        afterCrash(disk, async (store) => {
          try {
            await store.logs.append(KEY, [{ text: text(99) }]);
          } catch (error) {
            if (!(error instanceof StoreDamagedError)) throw error;
            await store.repair({ salvage: true });
            await store.logs.append(KEY, [{ text: text(99) }]);
          }
          return (await numbersIn(store)).filter((number) => number < 99);
        }),
      check: ({ recovered, begun, acknowledged }) => {
        assert.deepEqual(recovered.slice(0, acknowledged.length), acknowledged);
        // A salvage takes away what is damaged of the group that was not acknowledged; the rest of it stays, in its order.
        assert.deepEqual(
          recovered,
          begun.filter((number) => recovered.includes(number)),
        );
      },
    },
  ),
];
