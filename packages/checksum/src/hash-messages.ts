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
  readonly done: readonly (readonly [index: number, result: FileChecksum | SentError])[];
  readonly bytes: number;
  /** Nothing is left to take. */
  readonly finished: boolean;
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

export function isSentError(result: FileChecksum | SentError): result is SentError {
  return "code" in result;
}
