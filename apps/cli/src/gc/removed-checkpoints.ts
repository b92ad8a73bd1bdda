import {
  type Fence,
  type FileStore,
  formatTimestamp,
  type Json,
  StoreConflictError,
  systemClock,
} from "@holdfast/storage";
import * as z from "zod";

/** What `gc` took away from a run: written before the first file goes, so that nobody takes its absence for damage. */
export const removedCheckpointsSchema = z.object({
  schema: z.literal("holdfast/removed-checkpoints/v1").default("holdfast/removed-checkpoints/v1"),
  run_id: z.string(),
  turns: z.array(z.int().min(0)).describe("Sorted turns whose checkpoints holdfast gc removed"),
  updated_at: z.string(),
});

const keyOf = (runId: string): string => `runs/${runId}/removed_checkpoints`;

/** The turns whose checkpoints were removed on purpose; none when nothing says so. */
export async function removedCheckpoints(store: FileStore, runId: string): Promise<ReadonlySet<number>> {
  return new Set((await load(store, runId)).turns);
}

/** Takes note of turns whose checkpoints are about to be removed. Durable when it resolves. */
export async function recordRemoval(
  store: FileStore,
  runId: string,
  turns: readonly number[],
  options: { readonly fence?: Fence } = {},
): Promise<void> {
  for (;;) {
    const { turns: known, revision } = await load(store, runId);
    const all = [...new Set([...known, ...turns])].toSorted((a, b) => a - b);
    if (all.length === known.length) return;
    const record: Json = {
      schema: "holdfast/removed-checkpoints/v1",
      run_id: runId,
      turns: all,
      updated_at: formatTimestamp(systemClock()),
    };
    try {
      await store.documents.put(keyOf(runId), record, { expected: revision, ...options });
      return;
    } catch (error) {
      // Another gc was faster: what it wrote is taken in.
      if (!(error instanceof StoreConflictError)) throw error;
    }
  }
}

async function load(
  store: FileStore,
  runId: string,
): Promise<{ readonly turns: readonly number[]; readonly revision: string | null }> {
  const found = await store.documents.get(keyOf(runId));
  if (found === undefined) return { turns: [], revision: null };
  const parsed = removedCheckpointsSchema.safeParse(found.value);
  // A record that cannot be understood excuses nothing; the next removal writes it anew.
  return { turns: parsed.success ? parsed.data.turns : [], revision: found.revision };
}
