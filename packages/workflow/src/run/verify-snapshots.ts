import { SnapshotError, type SnapshotManifest, snapshotStore } from "@holdfast/snapshot";
import type { Store } from "@holdfast/storage";
import { codeOf, messageOf } from "../unknown-value.ts";
import type { RunFinding } from "./run-finding.ts";

const MEANING: Readonly<Record<string, string>> = {
  SNAPSHOT_MISSING: "What the workspace held when this command was made cannot be looked up any more.",
  SNAPSHOT_DAMAGED: "The manifest was changed: what it lists is not what the workspace held.",
};

async function loadManifest(
  store: Store,
  id: string,
): Promise<SnapshotManifest | { readonly error: unknown }> {
  try {
    return await snapshotStore(store).load(id);
  } catch (error) {
    return { error };
  }
}

/** Reads one content to its end, which verifies it; returns why it is no good. */
async function problemOfContent(store: Store, checksum: string): Promise<string | undefined> {
  try {
    for await (const _ of store.objects.get(checksum)) {
      // Read only to be verified.
    }
    return undefined;
  } catch (error) {
    const code = codeOf(error);
    if (code !== "STORE_MISSING" && code !== "STORE_DAMAGED") throw error;
    return messageOf(error);
  }
}

/** Findings about the snapshots that commands name, by id, with the first line that names each. Each content is read once. */
export async function snapshotFindings(
  store: Store,
  runId: string,
  snapshots: ReadonlyMap<string, number>,
  options: { readonly contents?: boolean; readonly signal?: AbortSignal },
): Promise<RunFinding[]> {
  const findings: RunFinding[] = [];
  const checked = new Set<string>();
  for (const [id, line] of snapshots) {
    options.signal?.throwIfAborted();
    const manifest = await loadManifest(store, id);
    if ("error" in manifest) {
      const { error } = manifest;
      const code = codeOf(error);
      if (!(error instanceof SnapshotError) && code !== "STORE_DAMAGED") throw error;
      findings.push({
        severity: "error",
        kind: "snapshot",
        place: store.locate({ document: `snapshots/${id}.manifest` }),
        line,
        message: `command at ${store.locate({ log: `runs/${runId}/ledger`, position: line })}: ${messageOf(error)}`,
        meaning: MEANING[code ?? ""] ?? "The manifest cannot be read.",
      });
      continue;
    }
    if (manifest.contents !== true || options.contents === false) continue;
    for (const { path, sha256 } of manifest.files) {
      options.signal?.throwIfAborted();
      if (checked.has(sha256)) continue;
      checked.add(sha256);
      const problem = await problemOfContent(store, sha256);
      if (problem === undefined) continue;
      findings.push({
        severity: "error",
        kind: "content",
        place: store.locate({ object: sha256 }),
        message: `content of "${path}" in snapshot ${id}: ${problem}`,
        meaning: "This version of the file cannot be restored; the run itself can go on.",
      });
    }
  }
  return findings;
}
