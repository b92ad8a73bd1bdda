import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inspect } from "node:util";
import { acquireLock, breakLock, readLockHolder } from "@holdfast/fsutil";
import { openLog, readLog } from "@holdfast/ndjson";
import { type FileStore, fileStore } from "@holdfast/storage";
import type { DamagedFile } from "./damaged-file.ts";
import { DAMAGED, fileInStore } from "./file-in-store.ts";

const KEY = "runs/a/ledger";

async function fill(store: FileStore): Promise<void> {
  await store.documents.put("runs/a/run", { n: 1 });
  await store.logs.append(KEY, [{ text: '{"message_id":"m1"}' }, { text: '{"message_id":"m2"}' }]);
  await store.work.offer("runs", "a", { why: "naïve \u2028" });
}

async function filled(folder: string): Promise<string> {
  const root = join(folder, "store");
  await using store = fileStore(root);
  await fill(store);
  return root;
}

/** A log of three batches, the last of many lines, as a writer that was killed leaves it: with the note of its last batch. */
async function batches(path: string): Promise<{ readonly log: Buffer; readonly note: Buffer }> {
  const log = await openLog(path, { durability: "batch" });
  for (const count of [1, 2, 5])
    await log.appendMany(Array.from({ length: count }, (_, number) => ({ count, number })));
  const note = readFileSync(`${path}.batch`);
  await log.close();
  return { log: readFileSync(path), note };
}

/** What a store keeps for itself. */
export const STORE_FILES: readonly DamagedFile[] = [
  {
    name: "mark of a store (store.json)",
    promise: "the same store, or refused: as damaged, or as of a newer format",
    refusals: DAMAGED,
    otherValue: "bad",
    async prepare(folder) {
      return fileInStore(await filled(folder), "store.json", {
        prefix: "",
        read: async (store) => [
          await store.documents.get("runs/a/run"),
          await Array.fromAsync(store.logs.read(KEY)),
        ],
      });
    },
  },
  {
    name: "item of a queue",
    promise: "an item of valid shape, or a refusal",
    refusals: DAMAGED,
    otherValue: "another",
    async prepare(folder) {
      return fileInStore(await filled(folder), "work/runs/a/item.json", {
        mayMend: true,
        async read(store) {
          const claims = await store.work.claim("runs", "me", { id: "a" });
          const [claim] = claims;
          if (claim !== undefined) await store.work.settle(claim, "ready");
          return claims.map(({ queue, id, payload }) => ({ queue, id, payload }));
        },
      });
    },
  },
  {
    name: "record of a lock's holder",
    promise:
      "its holder, another one, or one that cannot be read and is never taken for gone; a person can break it",
    refusals: /^(?:FILE_UNREADABLE|LOCK_HELD)$/,
    otherValue: "another",
    async prepare(folder) {
      const lock = join(folder, "lock");
      const held = await acquireLock(lock, { worker: "naïve" });
      const path = join(lock, `epoch-${held.token}`);
      const whole = readFileSync(path);
      return {
        whole,
        put(bytes) {
          for (const name of readdirSync(lock)) rmSync(join(lock, name));
          writeFileSync(path, bytes);
        },
        left: () => readFileSync(path),
        async read() {
          const holder = await readLockHolder(lock);
          const token = 1;
          // What cannot be judged is refused to everybody but to a person.
          const broken = await breakLock(lock, { token }).catch(
            (error: unknown) => inspect(error).split("\n")[0],
          );
          return { holder, isHeld: typeof broken === "string" };
        },
        close: async () => held.release(),
      };
    },
  },
  {
    name: "note of a batch",
    promise:
      "the log as it stands: a note that is not whole says nothing, and none takes an acknowledged line away",
    refusals: /^LOG_DAMAGED$/,
    otherValue: "bad",
    async prepare(folder) {
      const path = join(folder, "log.ndjson");
      const { log, note } = await batches(path);
      return {
        whole: note,
        put(bytes) {
          writeFileSync(path, log);
          writeFileSync(`${path}.batch`, bytes);
        },
        async read() {
          const before = await Array.fromAsync(readLog(path), ({ record }) => record);
          const opened = await openLog(path);
          await opened.append({ next: true });
          await opened.close();
          return [before, await Array.fromAsync(readLog(path), ({ record }) => record)];
        },
      };
    },
  },
  {
    name: "log whose last batch has a note",
    promise:
      "its lines before the damage and none that was not written, or a refusal; opened again, what is torn is kept aside",
    refusals: /^LOG_DAMAGED$/,
    otherValue: "another",
    async prepare(folder) {
      const path = join(folder, "log.ndjson");
      const { log, note } = await batches(path);
      return {
        whole: log,
        put(bytes) {
          for (const name of readdirSync(folder)) rmSync(join(folder, name));
          writeFileSync(path, bytes);
          writeFileSync(`${path}.batch`, note);
        },
        async read() {
          const before = await Array.fromAsync(readLog(path), ({ record }) => record);
          await using opened = await openLog(path);
          await opened.append({ next: true });
          const after = await Array.fromAsync(readLog(path), ({ record }) => record);
          // A batch of which pages are missing was never acknowledged, as far as the note can tell: it is taken back as a whole.
          const kept = [...before.slice(0, after.length - 1), { next: true }];
          if (JSON.stringify(after) !== JSON.stringify(kept))
            throw new Error(`it was read as ${inspect(before)}, and opened as ${inspect(after)}`);
          return before;
        },
      };
    },
  },
];
