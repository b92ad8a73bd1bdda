import type { Store } from "@holdfast/storage";
import { type CheckpointHead, checkpointHeadSchema } from "./checkpoint.ts";
import { checkpointKey } from "./checkpoint-key.ts";

const BEFORE_STATE = '\n  "state": ';
const MAX_HEAD_BYTES = 256 * 1024;

/**
 * What a checkpoint says beside its state, which stands last and is not read; `undefined` where that cannot be told from the beginning of the
 * document: there is none, it is damaged, or another program wrote it.
 */
export async function readHead(
  store: Store,
  runId: string,
  which: number | "last",
): Promise<CheckpointHead | undefined> {
  const pieces: Buffer[] = [];
  let size = 0;
  try {
    for await (const piece of store.documents.read(checkpointKey(runId, which))) {
      pieces.push(Buffer.from(piece));
      size += piece.length;
      const text = Buffer.concat(pieces).toString("latin1");
      const at = text.indexOf(BEFORE_STATE);
      if (at !== -1) return parse(Buffer.concat(pieces).subarray(0, at));
      if (size > MAX_HEAD_BYTES) return undefined;
    }
    return undefined;
  } catch {
    // Whoever loads it is told what is wrong with it.
    return undefined;
  }
}

function parse(head: Buffer): CheckpointHead | undefined {
  // Without the comma before the state.
  const text = head.toString("utf8").replace(/,\s*$/, "");
  return checkpointHeadSchema.safeParse(JSON.parse(`${text}\n}`)).data;
}
