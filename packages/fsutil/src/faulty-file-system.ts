import { setTimeout } from "node:timers/promises";
import type { FileSystem, OpenFile } from "./file-system.ts";
import { type FileOperation, wrapFileSystem } from "./wrap-file-system.ts";

/** The operations of a {@link FileSystem} and of its files that change something, or ask. */
export type FaultOperation = FileOperation;

/** One counted call. */
export interface FaultCall {
  /** Place among the counted calls, from 1. */
  readonly number: number;
  readonly operation: FaultOperation;
  /** The path it worked on; of `rename` and `link` the new name. */
  readonly path: string;
}

/** What goes wrong, and when. */
export interface FaultPlan {
  /** Number of the counted call that fails, from 1. Left out: none does, the calls are only counted. */
  readonly at?: number;
  /** Whether every counted call from then on fails too, as a broken disk does. Default false. */
  readonly lasting?: boolean;
  /** The system's code of the error. Default `EIO`. */
  readonly errno?: string;
  /** Which calls count. Default: all of them. For example `(call) => call.operation === "sync"`. */
  readonly counts?: (call: FaultCall) => boolean;
  /** Writes that are hit write only half of their bytes, at least one byte less, and report the short count without an error. Default false. */
  readonly shortWrites?: boolean;
  /** Whether the operation takes effect before its error is reported (a rename that happened, and answered EIO). Default false. */
  readonly afterEffect?: boolean;
  /** How much longer each sync of a file or folder takes, counted or not, in milliseconds; a blocking one blocks. Default 0. */
  readonly slowSyncMs?: number;
  /** Runs before each counted call: a test may end the process here, or swap a file. */
  readonly beforeCall?: (call: FaultCall) => void;
}

/** A {@link FileSystem} that goes wrong as planned. */
export interface FaultyFileSystem extends FileSystem {
  /** The counted calls so far, also those that failed. */
  readonly calls: readonly FaultCall[];
  /** How many calls failed or were cut short by plan. */
  readonly injected: number;
  /** Files that are open now: 0 after each operation that cleans up. */
  readonly openFiles: number;
  /** Bytes that were read so far, of all files: for tests that a long file is not read as a whole. */
  readonly bytesRead: number;
}

function systemError(errno: string, call: FaultCall): Error {
  return Object.assign(new Error(`${errno}: injected, ${call.operation} '${call.path}'`), {
    code: errno,
    errno: -1,
    syscall: call.operation,
    path: call.path,
  });
}

/**
 * Wraps a file system so that its n-th call fails: once or from then on, with any system error, or as a short write.
 * For tests that go through every point where something can fail:
 *
 * ```ts
 * for (let at = 1; ; at++) {
 *   const disk = faultyFileSystem(nodeFileSystem, { at, errno: "ENOSPC" });
 *   await attempt(disk);              // check what must hold
 *   if (disk.injected === 0) break;   // a clean run: every call has failed once
 * }
 * ```
 *
 * @param base - The file system that does the work.
 * @param plan - What goes wrong. An empty plan only counts.
 */
export function faultyFileSystem(base: FileSystem, plan: FaultPlan = {}): FaultyFileSystem {
  const {
    at,
    lasting = false,
    errno = "EIO",
    counts,
    shortWrites = false,
    afterEffect = false,
    slowSyncMs = 0,
    beforeCall,
  } = plan;
  const calls: FaultCall[] = [];
  let injected = 0;
  let openFiles = 0;
  let bytesRead = 0;

  function hitOf(operation: FaultOperation, path: string): FaultCall | undefined {
    const call = { number: calls.length + 1, operation, path };
    if (counts !== undefined && !counts(call)) return undefined;
    calls.push(call);
    beforeCall?.(call);
    if (at === undefined || !(call.number === at || (lasting && call.number > at))) return undefined;
    injected++;
    return call;
  }

  /** Whether a call that fails is done all the same; a file that was opened so would be nobody's. */
  const takesEffect = (operation: FaultOperation): boolean => afterEffect && operation !== "open";
  /** A disk whose syncs are slow: a loaded one, or one in a network. */
  const waitMs = (operation: FaultOperation): number =>
    operation === "sync" || operation === "syncDirectory" ? slowSyncMs : 0;

  function sync<T>(operation: FaultOperation, path: string, run: () => T): T {
    const ms = waitMs(operation);
    if (ms > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
    const hit = hitOf(operation, path);
    if (hit === undefined) return run();
    if (takesEffect(operation)) run();
    throw systemError(errno, hit);
  }

  async function async<T>(operation: FaultOperation, path: string, run: () => Promise<T>): Promise<T> {
    const ms = waitMs(operation);
    if (ms > 0) await setTimeout(ms);
    const hit = hitOf(operation, path);
    if (hit === undefined) return run();
    if (takesEffect(operation)) await run();
    throw systemError(errno, hit);
  }

  /** The part of a write that happens: all, half by plan, or nothing and an error. */
  function cut(path: string, data: Uint8Array): Uint8Array {
    const hit = hitOf("write", path);
    if (hit === undefined) return data;
    if (shortWrites) return data.subarray(0, Math.floor(data.byteLength / 2));
    throw systemError(errno, hit);
  }

  function counted(count: number): number {
    bytesRead += count;
    return count;
  }

  function ownFile(file: OpenFile): Partial<OpenFile> {
    const { path } = file;
    let open = true;
    openFiles++;
    return {
      readSync: (buffer, position) => counted(sync("read", path, () => file.readSync(buffer, position))),
      read: async (buffer, position) => counted(await async("read", path, () => file.read(buffer, position))),
      writeSync: (data, position) => file.writeSync(cut(path, data), position),
      write: async (data, position) => file.write(cut(path, data), position),
      closeSync() {
        // The descriptor is gone also where close() reports an error, as on Linux.
        if (open) openFiles--;
        open = false;
        const hit = hitOf("close", path);
        file.closeSync();
        if (hit !== undefined) throw systemError(errno, hit);
      },
    };
  }

  const wrapped = wrapFileSystem(base, { sync, async, ownFile });
  return {
    ...wrapped,
    get calls() {
      return calls;
    },
    get injected() {
      return injected;
    },
    get openFiles() {
      return openFiles;
    },
    get bytesRead() {
      return bytesRead;
    },
  };
}
