import type { Store } from "@holdfast/storage";
import type { Checkpoint } from "./checkpoint.ts";
import { checkpointsPrefix } from "./checkpoint-key.ts";
import { CheckpointManager } from "./checkpoint-manager.ts";
import { CheckpointError, type CheckpointErrorCode } from "./errors.ts";
import { loadCheckpoint } from "./load-checkpoint.ts";
import type { SimulationResults } from "./results.ts";
import { stateChecksum } from "./state-text.ts";

/** Something that is not as it should be with the checkpoints or the results of a run. */
export interface CheckpointFinding {
  /** `error`: a promise is broken. `warning`: worth a look. */
  readonly severity: "error" | "warning";
  /** The code of the error, or what does not fit together. */
  readonly kind: CheckpointErrorCode | "checkpoint-ahead" | "checkpoint-stray" | "results-mismatch";
  /** Where, for people. */
  readonly path: string;
  readonly message: string;
  /** The turn of the checkpoint, where it has one. */
  readonly turn?: number;
}

/**
 * Looks at every checkpoint and at the results of a run: form, turn, checksums, and whether they fit together. Changes nothing; holds one state at a time.
 *
 * @param store - Where the run lives.
 * @param runId - The run.
 * @param options - `signal`: stops.
 * @returns What is wrong; nothing when all is well, or when there is nothing.
 */
export async function verifyCheckpoints(
  store: Store,
  runId: string,
  options: { readonly signal?: AbortSignal } = {},
): Promise<readonly CheckpointFinding[]> {
  const findings: CheckpointFinding[] = [];
  const whole = new Map<number | "last", { readonly turn: number; readonly state_sha256: string }>();
  const manager = new CheckpointManager(store, runId, null);
  const entries = await manager.list();
  for (const which of ["last" as const, ...entries.map(({ turn }) => turn)]) {
    options.signal?.throwIfAborted();
    const found = await look(() => loadCheckpoint(store, runId, which), findings, which);
    if (found !== undefined) whole.set(which, { turn: found.turn, state_sha256: found.state_sha256 });
  }
  findings.push(...(await strays(store, runId)));
  const last = whole.get("last");
  const newest = entries.at(-1);
  if (last !== undefined && newest !== undefined && newest.turn > last.turn) {
    const message = `it is the one of turn ${newest.turn}, but the last one is that of turn ${last.turn}: last is not the last`;
    findings.push({
      severity: "error",
      kind: "checkpoint-ahead",
      path: newest.path,
      message,
      turn: newest.turn,
    });
  }
  options.signal?.throwIfAborted();
  const results = await look(() => manager.loadResults(), findings, undefined);
  if (results !== undefined) findings.push(...mismatches(store, runId, results, whole));
  return findings;
}

/** A checkpoint that is not there is no damage: a run has none before its first turn, and `last` may be gone while others stand. */
async function look<T extends Checkpoint | SimulationResults | undefined>(
  load: () => Promise<T>,
  findings: CheckpointFinding[],
  which: number | "last" | undefined,
): Promise<T | undefined> {
  try {
    return await load();
  } catch (error) {
    if (!(error instanceof CheckpointError)) throw error;
    const { code, path, message } = error;
    if (code === "CHECKPOINT_MISSING") return undefined;
    findings.push({
      severity: "error",
      kind: code,
      path,
      message,
      ...(typeof which === "number" ? { turn: which } : {}),
    });
    return undefined;
  }
}

async function strays(store: Store, runId: string): Promise<CheckpointFinding[]> {
  const findings: CheckpointFinding[] = [];
  const prefix = checkpointsPrefix(runId);
  for (let after: string | undefined; ; ) {
    const page = await store.documents.list(prefix, after === undefined ? {} : { after });
    for (const { key } of page.items) {
      if (/^(?:last|turn_(?:0|[1-9]\d*))$/.test(key.slice(prefix.length))) continue;
      const message = "no checkpoint has this name; nothing reads it";
      findings.push({
        severity: "warning",
        kind: "checkpoint-stray",
        path: store.locate({ document: key }),
        message,
      });
    }
    if (page.cursor === undefined) return findings;
    after = page.cursor;
  }
}

function mismatches(
  store: Store,
  runId: string,
  results: SimulationResults,
  whole: ReadonlyMap<number | "last", { readonly turn: number; readonly state_sha256: string }>,
): CheckpointFinding[] {
  const path = store.locate({ document: `runs/${runId}/result` });
  const final = results.checkpoints.at(-1);
  const checkpoint = final === undefined ? undefined : whole.get(final.turn);
  // A checkpoint that was removed to make room is nothing that can be compared.
  if (checkpoint === undefined || stateChecksum(results.final_state) === checkpoint.state_sha256) return [];
  const message = `the final state is not that of the checkpoint of turn ${checkpoint.turn}: one of them was changed`;
  return [{ severity: "error", kind: "results-mismatch", path, message, turn: checkpoint.turn }];
}
