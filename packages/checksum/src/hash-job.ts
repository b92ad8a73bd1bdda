import { setImmediate as turn } from "node:timers/promises";
import { ChecksumError } from "./errors.ts";
import type { FileChecksum } from "./file-checksum.ts";
import { hashFile, SMALL_BYTES } from "./hash-file.ts";
import { type HashReport, NEXT_PATH, receivedErrorOf, STOPPED, unpackResults } from "./hash-messages.ts";
import { type HashThreads, startHashThreads } from "./hash-threads.ts";

/** Who wants to know what, and how it may be done. */
export interface HashJobOptions {
  readonly concurrency: number;
  readonly followSymlinks: boolean;
  /** A file is read or has failed; may throw to stop the job. */
  readonly onSettled: (index: number, result: FileChecksum | ChecksumError) => void;
  /** Bytes were read since the last call; may throw to stop the job. */
  readonly onBytes: (count: number) => void;
}

/** Hashes lists of files, one list after the other, on this thread and on threads that are started when it pays. */
export interface HashJob extends AsyncDisposable {
  /** Resolves when every file is settled; rejects with what stopped it. */
  hash(paths: readonly string[]): Promise<void>;
  stop(reason: unknown): void;
}

/** Work that is over sooner is not worth a thread, which takes some 30 ms to start. */
const START_THREADS_AFTER_MS = 8;
/** How long this thread hashes small files before it lets others have a turn. */
const SLICE_MS = 4;

/** Opens a job; nothing is started yet. */
export function openHashJob({ concurrency, followSymlinks, onSettled, onBytes }: HashJobOptions): HashJob {
  const abort = new AbortController();
  const { signal } = abort;
  const stopped = Promise.withResolvers<never>();
  // It is not always waited for.
  stopped.promise.catch(() => undefined);
  const buffer = new Uint8Array(SMALL_BYTES);
  let shared = newShared();
  let threads: HashThreads | undefined;

  const stop = (reason: unknown): void => {
    Atomics.store(shared, STOPPED, 1);
    abort.abort(reason);
    stopped.reject(reason);
  };
  const guarded = (action: () => void): void => {
    try {
      action();
    } catch (error) {
      stop(error);
    }
  };

  async function hash(paths: readonly string[]): Promise<void> {
    signal.throwIfAborted();
    shared = newShared();
    const open = new Set(paths.keys());
    let inThreads: Promise<void> | undefined;

    const settle = (index: number, result: FileChecksum | ChecksumError): void => {
      if (open.delete(index)) guarded(() => onSettled(index, result));
    };
    const hashHere = async (index: number, path: string): Promise<void> => {
      try {
        settle(index, await hashFile(path, { signal, followSymlinks, onBytes, buffer }));
      } catch (error) {
        if (error instanceof ChecksumError) settle(index, error);
        else stop(error);
      }
    };
    /** Takes one path after the other, as the threads do. */
    const hashHereToo = async (): Promise<void> => {
      let sliceEnd = performance.now() + SLICE_MS;
      while (!signal.aborted) {
        const index = Atomics.add(shared, NEXT_PATH, 1);
        const path = paths[index];
        if (path === undefined) return;
        await hashHere(index, path);
        if (performance.now() < sliceEnd) continue;
        await turn();
        sliceEnd = performance.now() + SLICE_MS;
      }
    };
    const onReport = (report: HashReport): void => {
      guarded(() => onBytes(report.bytes));
      unpackResults(report.done, paths, settle);
      for (const [index, error] of report.failed) settle(index, receivedErrorOf(error));
    };
    const startThreads = (): void => {
      const left = paths.length - Atomics.load(shared, NEXT_PATH);
      if (threads === undefined && left < 2) return;
      threads ??= startHashThreads(Math.min(concurrency - 1, left));
      inThreads = threads.hash({ paths, shared, followSymlinks }, onReport);
    };

    const delayMs = threads === undefined ? START_THREADS_AFTER_MS : 0;
    const timer = concurrency > 1 ? setTimeout(startThreads, delayMs) : undefined;
    const here = hashHereToo();
    try {
      await Promise.race([here, stopped.promise]);
      if (open.size > 0) await Promise.race([inThreads, stopped.promise]);
      // What a thread took and did not bring back: it died, or never came up.
      for (const index of open) await hashHere(index, paths[index] ?? "");
      signal.throwIfAborted();
    } finally {
      clearTimeout(timer);
      await here;
    }
  }

  return {
    hash,
    stop,
    async [Symbol.asyncDispose]() {
      Atomics.store(shared, STOPPED, 1);
      await threads?.close();
    },
  };
}

function newShared(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(8));
}
