import type { FileSystem } from "@holdfast/fsutil";
import { readFileLimited, writeFileAtomic, writeFileAtomicSync } from "@holdfast/fsutil";
import { type Feature, feature } from "../feature.ts";
import { checkVersion } from "../old-or-new.ts";

const PATH = "/a/b/state.json";
const VERSIONS = ["one", "2".repeat(5_000), "three"];

async function contentOf(fileSystem: FileSystem): Promise<string | undefined> {
  if (fileSystem.lstatSync(PATH) === undefined) return undefined;
  return (await readFileLimited(PATH, 10_000, { fileSystem })).toString();
}

async function* inPieces(text: string): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < text.length; at += 1_000) yield Buffer.from(text.slice(at, at + 1_000));
}

/** Whole files. */
export const FILES: readonly Feature[] = [
  feature(
    "file replaced, by blocking calls",
    "old or new content, whole; folders that are made are durable too",
    {
      workload: ({ fileSystem, begin, acknowledge }) => {
        for (const text of VERSIONS) {
          begin(text);
          writeFileAtomicSync(PATH, text, { fileSystem });
          acknowledge(text);
        }
      },
      recover: contentOf,
      check: ({ recovered, ...promised }) => checkVersion(recovered, promised),
    },
  ),
  feature("file replaced from a stream", "old or new content, whole, however many pieces it came in", {
    setup: (fileSystem) => writeFileAtomicSync(PATH, "zero", { fileSystem }),
    workload: async ({ fileSystem, begin, acknowledge }) => {
      for (const text of VERSIONS) {
        begin(text);
        await writeFileAtomic(PATH, inPieces(text), { fileSystem });
        acknowledge(text);
      }
    },
    recover: contentOf,
    check: ({ recovered, ...promised }) => checkVersion(recovered, promised, "zero"),
  }),
];
