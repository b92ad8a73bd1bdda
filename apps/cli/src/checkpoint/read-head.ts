import { type CheckpointHead, checkpointHeadSchema } from "@holdfast/checkpoint";
import type { FileStore } from "@holdfast/storage";

const BEFORE_STATE = '\n  "state": ';
const MAX_HEAD_BYTES = 256 * 1024;

/**
 * What a checkpoint says beside its state, which stands last and is not read; `undefined` where that cannot be told from the beginning of the
 * file (it is damaged, or another program wrote it).
 */
export async function readHead(store: FileStore, key: string): Promise<CheckpointHead | undefined> {
  const pieces: Buffer[] = [];
  let size = 0;
  try {
    for await (const piece of store.documents.read(key)) {
      pieces.push(Buffer.from(piece));
      size += piece.length;
      const text = Buffer.concat(pieces).toString("latin1");
      const at = text.indexOf(BEFORE_STATE);
      if (at !== -1) return parse(Buffer.concat(pieces).subarray(0, at + BEFORE_STATE.length));
      if (size > MAX_HEAD_BYTES) return undefined;
    }
    return undefined;
  } catch {
    // Whoever loads it is told what is wrong with it.
    return undefined;
  }
}

function parse(head: Buffer): CheckpointHead | undefined {
  return checkpointHeadSchema.safeParse(JSON.parse(`${head.toString("utf8")}null\n}`)).data;
}
