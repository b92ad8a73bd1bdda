import { IgnoreRules } from "./ignore-rules.ts";
import { DEFAULT_INCLUDE, includeTree } from "./include.ts";
import { indexedFiles } from "./index-files.ts";
import type { SnapshotManifest } from "./manifest.ts";
import { TreeWalk } from "./walk.ts";

const nothing = (): void => undefined;

/** The paths that a snapshot of a folder would hold, by what a manifest says it was taken of; nothing is read. */
export async function listFiles(
  root: string,
  { include, exclude }: Pick<SnapshotManifest, "include" | "exclude">,
  signal: AbortSignal | undefined,
): Promise<readonly string[]> {
  const walk = new TreeWalk({
    root,
    include: includeTree(include ?? DEFAULT_INCLUDE),
    rules: IgnoreRules.of(exclude ?? []),
    old: undefined,
    reportMissing: false,
    isRacy: () => true,
    hash: nothing,
    warn: nothing,
    problem: nothing,
  });
  for (const _ of walk.run()) {
    await new Promise<void>((resolve) => setImmediate(resolve));
    signal?.throwIfAborted();
  }
  return Array.from(indexedFiles(walk.index), ({ path }) => path);
}
