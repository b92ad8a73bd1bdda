import {
  ensureDirectory,
  type FileSystem,
  removeFile,
  removeLeftovers,
  writeFileAtomic,
} from "@holdfast/fsutil";
import { type Feature, feature } from "../feature.ts";

const FOLDERS = ["/a/b/c", "/a/b/d/e", "/f"];
const FILES = ["/x/one", "/x/two", "/x/three"];

const isThere = (fileSystem: FileSystem, path: string): boolean => fileSystem.lstatSync(path) !== undefined;

function checkNames(
  found: readonly string[],
  { begun, acknowledged }: { readonly begun: readonly string[]; readonly acknowledged: readonly string[] },
): void {
  for (const path of acknowledged) if (!found.includes(path)) throw new Error(`"${path}" is not done`);
  for (const path of found) if (!begun.includes(path)) throw new Error(`"${path}" was done by nobody`);
}

/** Names: of folders that are made, and of files that go. */
export const FOLDER_FEATURES: readonly Feature[] = [
  feature<string, string[]>("folders made", "a folder that is made is there, with all its parents", {
    workload: async ({ fileSystem, begin, acknowledge }) => {
      for (const path of FOLDERS) {
        begin(path);
        await ensureDirectory(path, { fileSystem });
        acknowledge(path);
      }
    },
    recover: (fileSystem) => FOLDERS.filter((path) => isThere(fileSystem, path)),
    check: ({ recovered, ...promised }) => checkNames(recovered, promised),
  }),
  feature<string, string[]>("file removed", "what is removed does not come back, what is not stays", {
    setup: async (fileSystem) => {
      for (const path of FILES) await writeFileAtomic(path, "x".repeat(100), { fileSystem });
    },
    workload: async ({ fileSystem, begin, acknowledge }) => {
      for (const path of FILES) {
        begin(path);
        await removeFile(path, { fileSystem });
        acknowledge(path);
      }
    },
    recover: async (fileSystem) => {
      await removeLeftovers("/x", { fileSystem });
      return FILES.filter((path) => !isThere(fileSystem, path));
    },
    check: ({ recovered, ...promised }) => checkNames(recovered, promised),
  }),
];
