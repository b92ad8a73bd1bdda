/**
 * Why a value has no canonical JSON, stable within a major version.
 *
 * - `CANONICAL_UNDEFINED`: `undefined`, as a value, in an object or in an array (a hole of a sparse array too).
 * - `CANONICAL_NUMBER`: `NaN` or an infinity.
 * - `CANONICAL_BIGINT`: a BigInt.
 * - `CANONICAL_TYPE`: a function, a symbol, a property named by a symbol, or an object that is not a plain one (Date, Map, class instances, boxed values).
 * - `CANONICAL_SURROGATE`: a text or a property name with a lone surrogate.
 * - `CANONICAL_CYCLE`: an object that holds itself.
 * - `CANONICAL_TOO_LARGE`: the result would be longer than a string can be.
 */
export type CanonicalJsonErrorCode =
  | "CANONICAL_UNDEFINED"
  | "CANONICAL_NUMBER"
  | "CANONICAL_BIGINT"
  | "CANONICAL_TYPE"
  | "CANONICAL_SURROGATE"
  | "CANONICAL_CYCLE"
  | "CANONICAL_TOO_LARGE";

/**
 * What can go wrong with keys and recorded work, stable within a major version.
 *
 * - `KEY_CONFLICT`: the key was used for other inputs ({@link KeyConflictError}).
 * - `ONCE_FAILED`: the work failed before, and that was kept ({@link OnceFailedError}).
 * - `ONCE_RESULT`: the work was done, but its result is not plain JSON.
 * - `ONCE_SCHEMA`: a result is not what the schema asks for.
 * - `ONCE_IN_DOUBT`: the work was begun and its outcome is not known, and the caller did not want it run again.
 * - `ONCE_LOST`: the claim on the work was lost while it ran; the reason that its signal aborts with.
 * - `ONCE_UNKNOWN`: nothing is recorded under the key.
 * - `ONCE_SETTLED`: the work has a recorded result, which is never changed.
 * - `ONCE_DAMAGED`: what is recorded is not a record of work.
 * - `ONCE_NEWER_VERSION`: what is recorded was written by a newer version of this package.
 */
export type IdempotencyErrorCode =
  | CanonicalJsonErrorCode
  | "KEY_CONFLICT"
  | "ONCE_FAILED"
  | "ONCE_RESULT"
  | "ONCE_SCHEMA"
  | "ONCE_IN_DOUBT"
  | "ONCE_LOST"
  | "ONCE_UNKNOWN"
  | "ONCE_SETTLED"
  | "ONCE_DAMAGED"
  | "ONCE_NEWER_VERSION";

/** Base of every error of this package; match on `code`. */
export class IdempotencyError extends Error {
  override readonly name: string = "IdempotencyError";
  readonly code: IdempotencyErrorCode;
  /** What it is about: a place in a store, when there is one. */
  readonly path: string | undefined;

  constructor(
    code: IdempotencyErrorCode,
    message: string,
    options: { readonly path?: string | undefined; readonly cause?: unknown } = {},
  ) {
    super(message, "cause" in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.path = options.path;
  }
}

/** A value that has no canonical JSON; `documentPath` says where in it the fault is. */
export class CanonicalJsonError extends IdempotencyError {
  override readonly name: string = "CanonicalJsonError";
  /** Place in the value: `inputs.files[2]`; empty for the value itself. */
  readonly documentPath: string;

  constructor(
    code: CanonicalJsonErrorCode,
    message: string,
    options: { readonly documentPath: string; readonly cause?: unknown },
  ) {
    super(code, message, "cause" in options ? { cause: options.cause } : {});
    this.documentPath = options.documentPath;
  }
}

/** The same key for other inputs: `KEY_CONFLICT`. Nothing was run. */
export class KeyConflictError extends IdempotencyError {
  override readonly name: string = "KeyConflictError";
  readonly key: string;
  /** Checksum of the inputs that the key was used for first. */
  readonly expected: string;
  /** Checksum of the inputs it was used for now. */
  readonly actual: string;

  constructor(options: {
    readonly key: string;
    readonly expected: string;
    readonly actual: string;
    readonly path?: string;
  }) {
    const { key, expected, actual, path } = options;
    super(
      "KEY_CONFLICT",
      `Cannot run "${key}": the key belongs to other inputs (recorded ${expected}, given ${actual}); use another key for other work`,
      { path },
    );
    this.key = key;
    this.expected = expected;
    this.actual = actual;
  }
}

/** What is kept of an error. */
export interface RecordedFailure {
  readonly name: string;
  readonly message: string;
  readonly code?: string | undefined;
}

/** Work that failed before: `ONCE_FAILED`. Nothing was run now. */
export class OnceFailedError extends IdempotencyError {
  override readonly name: string = "OnceFailedError";
  readonly key: string;
  /** The error as it was recorded. */
  readonly failure: RecordedFailure;

  constructor(options: { readonly key: string; readonly failure: RecordedFailure; readonly path?: string }) {
    const { key, failure, path } = options;
    super(
      "ONCE_FAILED",
      `Cannot give the result of "${key}": the work failed before (${failure.name}: ${failure.message}); run it with onFailure "retry", or settle it`,
      { path },
    );
    this.key = key;
    this.failure = failure;
  }
}
