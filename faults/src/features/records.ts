import assert from "node:assert/strict";
import { onceStore } from "@holdfast/idempotency";
import { openLedger, readLedger } from "@holdfast/ledger";
import { listReceipts, recordReceipt, runStore } from "@holdfast/task-store";
import { type Feature, feature } from "../feature.ts";
import { checkList, checkVersion } from "../old-or-new.ts";
import { message, RUN, receipt } from "../records.ts";
import { afterCrash, withStore } from "../simulated-store.ts";

/** What runs are made of. */
export const RECORDS: readonly Feature[] = [
  feature<string, string[]>(
    "ledger appended to",
    "acknowledged messages stay, in one unbroken chain that goes on",
    {
      workload: ({ fileSystem, begin, acknowledge }) =>
        withStore(fileSystem, async (store) => {
          const ledger = await openLedger(store, RUN);
          for (const text of ["a", "b", "c"]) {
            begin(text);
            await ledger.append(message(text));
            acknowledge(text);
          }
          await ledger.close();
        }),
      recover: (disk) =>
        afterCrash(disk, async (store) => {
          const found: string[] = [];
          for await (const { message: said } of readLedger(store, RUN).replay()) {
            if (said.kind === "log") found.push(said.message);
          }
          const ledger = await openLedger(store, RUN);
          await ledger.append(message("again"));
          await ledger.close();
          const { findings } = await readLedger(store, RUN).verifyChain();
          assert.deepEqual(findings, []);
          return found.filter((text) => text !== "again");
        }),
      check: ({ recovered, ...promised }) => checkList(recovered, promised),
    },
  ),
  feature<string, string[]>("work done once", "a result that was given is never made again", {
    workload: ({ fileSystem, begin, acknowledge }) =>
      withStore(fileSystem, async (store, clock) => {
        const once = onceStore(store, { worker: "first", clock });
        for (const key of ["a", "b"]) {
          begin(key);
          await once.once(key, {}, () => `first ${key}`);
          acknowledge(key);
        }
      }),
    recover: (disk) =>
      afterCrash(disk, async (store, clock) => {
        const once = onceStore(store, { worker: "second", clock });
        const again: string[] = [];
        for (const key of ["a", "b"]) {
          const result = await once.once(key, {}, () => {
            again.push(key);
            return `again ${key}`;
          });
          assert.equal(result, again.includes(key) ? `again ${key}` : result);
        }
        return again;
      }),
    check: ({ recovered, acknowledged }) => {
      for (const key of acknowledged) assert.ok(!recovered.includes(key), `"${key}" was done twice`);
    },
  }),
  feature<number, number[]>("receipts recorded", "a receipt is whole, and stays", {
    workload: ({ fileSystem, begin, acknowledge }) =>
      withStore(fileSystem, async (store) => {
        for (const step of [1, 2, 3]) {
          begin(step);
          await recordReceipt(store, RUN, receipt(step));
          acknowledge(step);
        }
      }),
    recover: (disk) =>
      afterCrash(disk, async (store) => (await listReceipts(store, RUN)).map(({ step }) => step)),
    check: ({ recovered, ...promised }) => checkList(recovered, promised),
  }),
  feature<string, string | undefined>("run state updated", "the last state that was written, or the next", {
    workload: ({ fileSystem, begin, acknowledge }) =>
      withStore(fileSystem, async (store, clock) => {
        const runs = runStore(store, { clock });
        begin("running");
        await runs.create({ run_id: RUN, kind: "workflow", name: "w", config_snapshot: {} });
        acknowledge("running");
        begin("step");
        await runs.update(RUN, { current_stage: "step" });
        acknowledge("step");
        begin("completed");
        await runs.complete(RUN);
        acknowledge("completed");
      }),
    recover: (disk) =>
      afterCrash(disk, async (store) => {
        const state = await runStore(store).load(RUN);
        return state?.status === "running" ? (state.current_stage ?? "running") : state?.status;
      }),
    check: ({ recovered, ...promised }) => checkVersion(recovered, promised),
  }),
];
