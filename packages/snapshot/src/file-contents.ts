import { openInside } from "@holdfast/fsutil";
import type { Bytes, Store } from "@holdfast/storage";

import { SnapshotError } from "./errors.ts";
import { inParallel } from "./in-parallel.ts";
import type { IdentifiedFile } from "./snapshot-id.ts";

/** Files up to this size are given to the store in one piece. */
const WHOLE_BYTES = 1024 * 1024;
const CHUNK_BYTES = 256 * 1024;
/** Waiting for the disk is most of the work; several files share its syncs. */
const AT_ONCE = 16;

export interface KeepContentsOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onStored?: ((file: IdentifiedFile) => void) | undefined;
}

/**
 * Puts the content of files into a store, each content once, and checks that it is the content the files had when they
 * were hashed. Durable when it resolves.
 *
 * @param root - Real path of the workspace.
 * @throws {SnapshotError} `SNAPSHOT_CHANGED`, `SNAPSHOT_VANISHED` or `SNAPSHOT_UNREADABLE`, naming the file; errors of the store, unchanged.
 */
export async function keepContents(
  store: Store,
  root: string,
  files: Iterable<IdentifiedFile>,
  { signal, onStored }: KeepContentsOptions,
): Promise<void> {
  await inParallel(files, AT_ONCE, async (file) => {
    signal?.throwIfAborted();
    if (!(await store.objects.has(file.sha256))) await keepContent(store, root, file);
    onStored?.(file);
  });
  await store.objects.sync();
}

async function keepContent(store: Store, root: string, file: IdentifiedFile): Promise<void> {
  await using content = await openContent(root, file);
  const kept = await store.objects.put(file.size <= WHOLE_BYTES ? await content.whole() : content.pieces());
  if (kept.checksum !== file.sha256) {
    throw new SnapshotError(
      "SNAPSHOT_CHANGED",
      `Cannot keep the content of "${file.path}": it changed since it was hashed; try again when nothing writes it`,
      { path: file.path },
    );
  }
}

async function openContent(root: string, { path, size }: IdentifiedFile) {
  const failed = (cause: unknown) => {
    const code = GONE.has(codeOf(cause)) ? "SNAPSHOT_VANISHED" : "SNAPSHOT_UNREADABLE";
    return new SnapshotError(code, `Cannot keep the content of "${path}": ${messageOf(cause)}`, {
      path,
      cause,
    });
  };
  const file = await openInside(root, path, "read").catch((error: unknown) => {
    throw failed(error);
  });
  const read = async (buffer: Uint8Array, position: number): Promise<number> => {
    try {
      return buffer.length <= CHUNK_BYTES
        ? file.readSync(buffer, position)
        : await file.read(buffer, position);
    } catch (error) {
      throw failed(error);
    }
  };
  return {
    async whole(): Promise<Bytes> {
      const buffer = new Uint8Array(size);
      let done = 0;
      while (done < size) {
        const count = await read(buffer.subarray(done), done);
        if (count === 0) break;
        done += count;
      }
      return buffer.subarray(0, done);
    },
    async *pieces(): AsyncGenerator<Bytes> {
      for (let position = 0; position < size; ) {
        const buffer = new Uint8Array(Math.min(CHUNK_BYTES * 4, size - position));
        const count = await read(buffer, position);
        if (count === 0) return;
        yield buffer.subarray(0, count);
        position += count;
      }
    },
    async [Symbol.asyncDispose]() {
      file.closeSync();
    },
  };
}

/** What says that the file is no longer there, or something else is. */
const GONE: ReadonlySet<string> = new Set(["FILE_MISSING", "FILE_UNREADABLE", "PATH_ESCAPE"]);

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
