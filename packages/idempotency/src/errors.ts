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

/** What can go wrong with keys and recorded work. */
export type IdempotencyErrorCode =
  | CanonicalJsonErrorCode
  | "KEY_FORMAT"
  | "KEY_CONFLICT"
  | "ONCE_FAILED"
  | "ONCE_RESULT"
  | "ONCE_SCHEMA"
  | "ONCE_DAMAGED"
  | "ONCE_LOST";

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
