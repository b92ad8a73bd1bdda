import { availableParallelism } from "node:os";
import { ChecksumError } from "./errors.ts";
import type { FileChecksum } from "./file-checksum.ts";
import { openHashJob } from "./hash-job.ts";

/** How far the reading of several files is. */
export interface FilesProgress {
  /** Files done, failed ones included. */
  readonly files: number;
  /** Bytes read. */
  readonly bytes: number;
}

/** Options of {@link checksumFiles}. */
export interface ChecksumFilesOptions {
  /** Threads that hash at the same time, this one included; 1: no worker thread is started. Default: the processors this process may use. */
  readonly concurrency?: number | undefined;
  /** Stops everything; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Called now and then, and at the end. What it throws, rejects. */
  readonly onProgress?: ((progress: FilesProgress) => void) | undefined;
  /** Called for each file that failed, which is then left out of the result. Without it the first failure rejects and stops everything. */
  readonly onError?: ((error: ChecksumError) => void) | undefined;
  /** `false`: paths that are symbolic links are failures with `CHECKSUM_NOT_A_FILE`. Default `true`. */
  readonly followSymlinks?: boolean | undefined;
}

/** Paths given to the threads at once; bounds the memory that their copies take. */
const ORDER_PATHS = 32_768;

/**
 * The checksums of many files, using all processors.
 *
 * It begins at once on this thread, which costs nothing for a few small files and gives others a turn every few milliseconds; when that takes longer, worker threads are started to help, and
 * ended before it resolves. Each file is read in constant memory and must not change meanwhile, as {@link checksumFile} says.
 *
 * @param paths - Files to read. A path that is given twice is read twice.
 * @param options - `concurrency`, `signal`, `onProgress`, `onError`, `followSymlinks`.
 * @returns The checksum, size and times of each file, in the order of `paths`; without those that failed when `onError` is given.
 * @throws {ChecksumError} Without `onError`: the first failure, with the codes of {@link checksumFile}.
 * @throws {RangeError} When `concurrency` is not a positive integer.
 */
export async function checksumFiles(
  paths: readonly string[],
  options: ChecksumFilesOptions = {},
): Promise<readonly FileChecksum[]> {
  const {
    concurrency = availableParallelism(),
    followSymlinks = true,
    signal,
    onProgress,
    onError,
  } = options;
  if (!Number.isInteger(concurrency) || concurrency < 1) {
    throw new RangeError(
      `Cannot checksum files: "concurrency" must be a positive integer, found ${concurrency}`,
    );
  }
  signal?.throwIfAborted();
  const results = Array.from<FileChecksum | undefined>({ length: paths.length });
  let [files, bytes, orderStart] = [0, 0, 0];
  await using job = openHashJob({
    concurrency,
    followSymlinks,
    onBytes(count) {
      bytes += count;
      onProgress?.({ files, bytes });
    },
    onSettled(index, result) {
      files += 1;
      if (!(result instanceof ChecksumError)) results[orderStart + index] = result;
      else if (onError === undefined) throw result;
      else onError(result);
    },
  });
  const onAbort = (): void => job.stop(signal?.reason);
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    for (; orderStart < paths.length; orderStart += ORDER_PATHS) {
      await job.hash(paths.slice(orderStart, orderStart + ORDER_PATHS));
    }
  } finally {
    signal?.removeEventListener("abort", onAbort);
  }
  onProgress?.({ files, bytes });
  return results.filter((result) => result !== undefined);
}
