import { readdirSync } from "node:fs";
import { join } from "node:path";
import { readLedger } from "@holdfast/ledger";
import { snapshotStore, verifySnapshot } from "@holdfast/snapshot";
import type { FileStore } from "@holdfast/storage";
import { listReceipts, runStore } from "@holdfast/task-store";
import { verifyRun } from "@holdfast/workflow";
import type { DamagedFile } from "./damaged-file.ts";
import { DAMAGED, fileInStore, type LooksAtStore, told } from "./file-in-store.ts";
import { completedRun, RUN, TASK } from "./scripted-run.ts";

const FOLDER = `runs/${RUN}`;

/** What `holdfast verify` does about one workflow. */
async function verifyWorkflow(store: FileStore): Promise<readonly string[]> {
  return told(await verifyRun(store, RUN));
}

function ofRun(
  name: string,
  promise: string,
  {
    path,
    otherValue = "bad",
    ...looks
  }: Omit<LooksAtStore, "verify"> & {
    readonly path: (root: string) => string;
    readonly otherValue?: DamagedFile["otherValue"];
  },
): DamagedFile {
  const prepare: DamagedFile["prepare"] = async (folder) => {
    const root = await completedRun(folder);
    return fileInStore(root, path(root), { verify: verifyWorkflow, prefix: `${FOLDER}/`, ...looks });
  };
  return { name, promise, refusals: DAMAGED, otherValue, seal: "document_sha256", prepare };
}

const lines = (store: FileStore, key: string): Promise<readonly string[]> =>
  Array.fromAsync(store.logs.read(key), ({ text }) => text);

/** The first file below a folder of a store. */
function firstFile(root: string, folder: string, matches = /./): string {
  const files = readdirSync(join(root, folder), { recursive: true, withFileTypes: true });
  const paths = files.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  const path = paths.toSorted().find((one) => matches.test(one));
  if (path === undefined) throw new Error(`there is no file in "${folder}"`);
  return path.slice(root.length + 1);
}

async function firstSnapshot(store: FileStore): Promise<string> {
  const [id] = await snapshotStore(store).list();
  if (id === undefined) throw new Error("there is no snapshot");
  return id;
}

/** What a workflow leaves. */
export const WORKFLOWS: readonly DamagedFile[] = [
  ofRun("ledger of a workflow", "refused, or found by the chain and by the head that the run state keeps", {
    path: () => `${FOLDER}/ledger.ndjson`,
    read: (store) => Array.fromAsync(readLedger(store, RUN).replay()),
  }),
  ofRun("run state of a workflow", "refused, or found by verify", {
    path: () => `${FOLDER}/run.json`,
    read: (store) => runStore(store).load(RUN),
  }),
  ofRun("receipt", "refused, or found by verify", {
    path: () => `${FOLDER}/receipts/${TASK}/step-1.json`,
    read: (store) => listReceipts(store, RUN),
  }),
  ofRun("story of a run (text)", "text or a refusal: it is for people, and read by nothing", {
    path: () => `${FOLDER}/transcript.txt`,
    read: (store) => lines(store, `${FOLDER}/transcript`),
    otherValue: "another",
  }),
  ofRun("log of an agent", "lines of JSON or a refusal: it is for people, and read by nothing", {
    path: () => `${FOLDER}/logs/builder.ndjson`,
    read: (store) => lines(store, `${FOLDER}/logs/builder`),
    otherValue: "another",
  }),
  {
    name: "manifest of a snapshot",
    promise: "refused, or the files that its id names; their times and modes are not part of it",
    refusals: DAMAGED,
    otherValue: "bad",
    async prepare(folder) {
      const root = await completedRun(folder);
      return fileInStore(root, firstFile(root, "snapshots"), {
        prefix: "snapshots/",
        async read(store) {
          const { snapshot_id, files } = await snapshotStore(store).load(await firstSnapshot(store));
          return { snapshot_id, files: files.map(({ path, sha256, size }) => ({ path, sha256, size })) };
        },
        verify: async (store) => {
          const { contents } = await verifySnapshot(await firstSnapshot(store), { store });
          return contents.map(({ message }) => message);
        },
      });
    },
  },
  {
    name: "content of a snapshot (zstd)",
    promise: "refused while it is read, and found by verify",
    refusals: DAMAGED,
    otherValue: "bad",
    async prepare(folder) {
      const root = await completedRun(folder);
      return fileInStore(root, firstFile(root, "objects", /\.zst$/), {
        read: async (store) => {
          const contents: string[] = [];
          for await (const { checksum } of store.objects.list())
            contents.push(Buffer.concat(await Array.fromAsync(store.objects.get(checksum))).toString());
          return contents;
        },
        prefix: "",
      });
    },
  },
];
