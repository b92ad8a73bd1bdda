import { checksumOfDigest } from "./checksum.ts";
import { ChecksumError, type ChecksumErrorCode } from "./errors.ts";
import type { FileChecksum } from "./file-checksum.ts";

/** Places in the memory that all threads of one job share. */
export const NEXT_PATH = 0;
export const STOPPED = 1;

/** What a worker thread is told: paths, of which it takes the next one that nobody has taken until none is left. */
export interface HashOrder {
  /** Told back in every report. */
  readonly id: number;
  readonly paths: readonly string[];
  /** `NEXT_PATH`: the index of the next path to take. `STOPPED`: 1 when everybody should stop. */
  readonly shared: Int32Array;
  readonly followSymlinks: boolean;
}

/** A {@link ChecksumError} on its way between threads, which would keep only its message. */
export interface SentError {
  readonly code: ChecksumErrorCode;
  readonly message: string;
  readonly path: string;
  readonly cause:
    | { readonly message: string; readonly fields: Readonly<Record<string, unknown>> }
    | undefined;
}

/** What a worker thread answers, several times: what it has done since it last did. */
export interface HashReport {
  /** Of the order. */
  readonly id: number;
  readonly done: PackedResults;
  readonly failed: readonly (readonly [index: number, error: SentError])[];
  readonly bytes: number;
  /** Nothing is left to take. */
  readonly finished: boolean;
}

/**
 * Results in few large pieces: an object for each file would cost more on its way between threads than hashing a small file does.
 */
export interface PackedResults {
  readonly indexes: readonly number[];
  /** All digests, 64 hex digits each. */
  readonly digests: string;
  /** `FIELDS` numbers for each file. */
  readonly stats: BigInt64Array;
}

const DIGEST_LENGTH = 64;
const FIELDS = 6;

export function packResults(
  results: readonly (readonly [index: number, result: FileChecksum])[],
): PackedResults {
  const stats = new BigInt64Array(results.length * FIELDS);
  let digests = "";
  for (const [i, [, { checksum, size, mtimeNs, ctimeNs, ino, dev, mode }]] of results.entries()) {
    digests += checksum.slice(-DIGEST_LENGTH);
    // Setting takes the lowest 64 bits, which is all there is.
    stats.set([BigInt(size), mtimeNs, ctimeNs, ino, dev, BigInt(mode)], i * FIELDS);
  }
  return { indexes: results.map(([index]) => index), digests, stats };
}

/** Calls `onResult` for each result, with the path that its index stands for. */
export function unpackResults(
  { indexes, digests, stats }: PackedResults,
  paths: readonly string[],
  onResult: (index: number, result: FileChecksum) => void,
): void {
  for (const [i, index] of indexes.entries()) {
    const field = (at: number): bigint => stats[i * FIELDS + at] ?? 0n;
    onResult(index, {
      path: paths[index] ?? "",
      checksum: checksumOfDigest(digests.slice(i * DIGEST_LENGTH, (i + 1) * DIGEST_LENGTH)),
      size: Number(field(0)),
      mtimeNs: field(1),
      ctimeNs: field(2),
      ino: BigInt.asUintN(64, field(3)),
      dev: BigInt.asUintN(64, field(4)),
      mode: Number(field(5)),
    });
  }
}

export function sentErrorOf(error: ChecksumError, path: string): SentError {
  const { cause } = error;
  return {
    code: error.code,
    message: error.message,
    path,
    cause:
      cause instanceof Error
        ? { message: cause.message, fields: Object.fromEntries(Object.entries(cause)) }
        : undefined,
  };
}

export function receivedErrorOf(sent: SentError): ChecksumError {
  const { cause } = sent;
  return new ChecksumError(sent.code, sent.message, {
    path: sent.path,
    ...(cause === undefined ? {} : { cause: Object.assign(new Error(cause.message), cause.fields) }),
  });
}
