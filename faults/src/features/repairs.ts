import assert from "node:assert/strict";
import type { FileSystem } from "@holdfast/fsutil";
import type { FileStore } from "@holdfast/storage";
import { type Feature, feature } from "../feature.ts";
import { afterCrash, withStore } from "../simulated-store.ts";

const LOG = "runs/a/notes";
const GOOD = "runs/a/good";
const BAD = "runs/a/bad";
const OBJECT = Buffer.from("y".repeat(2_000));

/** Writes over a file as a disk that goes bad does. */
function overwrite(fileSystem: FileSystem, path: string, offset: number, bytes: string): void {
  const file = fileSystem.openSync(path, "update");
  file.writeSync(Buffer.from(bytes), offset);
  file.syncSync("full");
  file.closeSync();
}

function fileNamed(fileSystem: FileSystem, folder: string): string {
  const [name = ""] = fileSystem.readdirSync(folder);
  const path = `${folder}/${name}`;
  return fileSystem.lstatSync(path)?.kind === "directory" ? fileNamed(fileSystem, path) : path;
}

async function textsOf(store: FileStore): Promise<string[]> {
  const texts: string[] = [];
  for await (const { text } of store.logs.read(LOG)) texts.push(text);
  return texts;
}

/** Repairs that are cut off, and done again. */
export const REPAIRS: readonly Feature[] = [
  feature<string, { texts: string[]; good: unknown; kept: string }>(
    "repair, with salvage",
    "a repair that is cut off is completed by the next; nothing that was whole goes, and what was taken away is kept beside it",
    {
      setup: async (fileSystem) => {
        await withStore(fileSystem, async (store) => {
          for (const number of [1, 2, 3, 4]) await store.logs.append(LOG, [{ text: `{"line":${number}}` }]);
          await store.documents.put(GOOD, { good: true });
          await store.documents.put(BAD, { bad: true });
          await store.objects.put(OBJECT);
        });
        overwrite(fileSystem, `/store/${LOG}.ndjson`, 11, "BROKEN");
        overwrite(fileSystem, `/store/${LOG}.ndjson`, 44, '{"torn');
        overwrite(fileSystem, `/store/${BAD}.json`, 0, "NONSENSE");
        overwrite(fileSystem, fileNamed(fileSystem, "/store/objects"), 3, "BROKEN");
      },
      workload: ({ fileSystem, begin, acknowledge }) =>
        withStore(fileSystem, async (store) => {
          begin("repaired");
          const findings = await store.repair({ salvage: true });
          if (findings.every(({ repaired }) => repaired === true)) acknowledge("repaired");
        }),
      recover: (disk) =>
        afterCrash(disk, async (store) => {
          await store.repair({ salvage: true });
          const kept = asideIn(disk, "/store");
          return { texts: await textsOf(store), good: (await store.documents.get(GOOD))?.value, kept };
        }),
      check: ({ recovered: { texts, good, kept } }) => {
        assert.deepEqual(texts, ['{"line":1}', '{"line":3}', '{"line":4}']);
        assert.deepEqual(good, { good: true });
        for (const piece of ["BROKEN", '{"torn', "NONSENSE"])
          assert.ok(kept.includes(piece), `${JSON.stringify(piece)} was not kept`);
      },
    },
  ),
];

/** What is in the files that were put aside. */
function asideIn(fileSystem: FileSystem, folder: string): string {
  return fileSystem
    .readdirSync(folder)
    .map((name) => {
      const path = `${folder}/${name}`;
      if (fileSystem.lstatSync(path)?.kind === "directory") return asideIn(fileSystem, path);
      if (!name.includes(".corrupt")) return "";
      const file = fileSystem.openSync(path, "read");
      const bytes = Buffer.alloc(file.statSync().size);
      file.readSync(bytes, 0);
      file.closeSync();
      return bytes.toString("latin1");
    })
    .join("\n");
}
