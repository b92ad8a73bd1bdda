import type { Holder } from "./store.ts";

/** What went wrong with a store; a code never changes within a major version. */
export type StoreErrorCode =
  | "STORE_CONFLICT"
  | "STORE_DAMAGED"
  | "STORE_MISSING"
  | "STORE_HELD"
  | "STORE_FENCED"
  | "STORE_KEY"
  | "STORE_NEWER_FORMAT"
  | "STORE_NOT_A_STORE"
  | "STORE_NO_SPACE"
  | "STORE_READ_ONLY"
  | "STORE_IO"
  | "STORE_TEXT_TOO_LARGE"
  | "STORE_CLOSED"
  | "STORE_FAILED";

/** What a {@link StoreError} is about. */
export interface StoreErrorOptions {
  /** The place in the store: a path on files, a key elsewhere. */
  readonly path?: string;
  readonly cause?: unknown;
}

/** The base of every error of a store: a stable `code`, the `path` it is about and the `cause` beneath it. */
export class StoreError extends Error {
  override readonly name: string = "StoreError";
  readonly code: StoreErrorCode;
  readonly path: string | undefined;

  constructor(code: StoreErrorCode, message: string, options: StoreErrorOptions = {}) {
    super(message, "cause" in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.path = options.path;
  }
}

/** `STORE_CONFLICT`: something is not as the caller expected; nothing was written. */
export class StoreConflictError extends StoreError {
  override readonly name: string = "StoreConflictError";
  /** What the caller expected: a revision, `null` for nothing, or a position. */
  readonly expected: string | number | null;
  /** What is there: a revision, `null` for nothing, or a position. */
  readonly actual: string | number | null;

  constructor(
    message: string,
    options: StoreErrorOptions & {
      readonly expected: string | number | null;
      readonly actual: string | number | null;
    },
  ) {
    super("STORE_CONFLICT", message, options);
    this.expected = options.expected;
    this.actual = options.actual;
  }
}

/** `STORE_DAMAGED`: what is stored cannot be read back; says where. */
export class StoreDamagedError extends StoreError {
  override readonly name: string = "StoreDamagedError";
  /** Line in the file, from 1. */
  readonly line: number | undefined;
  /** Byte in the file, from 0. */
  readonly offset: number | undefined;

  constructor(
    message: string,
    options: StoreErrorOptions & { readonly line?: number; readonly offset?: number },
  ) {
    super("STORE_DAMAGED", message, options);
    this.line = options.line;
    this.offset = options.offset;
  }
}

/** `STORE_HELD`: another worker holds the item. */
export class StoreHeldError extends StoreError {
  override readonly name: string = "StoreHeldError";
  readonly holder: Holder;

  constructor(message: string, options: StoreErrorOptions & { readonly holder: Holder }) {
    super("STORE_HELD", message, options);
    this.holder = options.holder;
  }
}

/** `STORE_FENCED`: the fence of a write is no longer the one that holds; nothing was written. */
export class StoreFencedError extends StoreError {
  override readonly name: string = "StoreFencedError";
  /** The token of the refused fence. */
  readonly token: number;
  /** The newest token of the item; 0 when it was never claimed. */
  readonly actual: number;

  constructor(
    message: string,
    options: StoreErrorOptions & { readonly token: number; readonly actual: number },
  ) {
    super("STORE_FENCED", message, options);
    this.token = options.token;
    this.actual = options.actual;
  }
}

/** The error for use after `close()`. */
export function closedError(what: string): StoreError {
  return new StoreError("STORE_CLOSED", `Cannot use ${what}: the store is closed; open it again`);
}

/** The error for a fence that does not hold. */
export function fencedError(
  fence: { readonly queue: string; readonly id: string; readonly token: number },
  actual: number,
  options: StoreErrorOptions = {},
): StoreFencedError {
  const state =
    actual === fence.token
      ? `fence ${fence.token} was given back`
      : actual === 0
        ? "it was never claimed"
        : `fence ${fence.token} is old, the newest is ${actual}`;
  return new StoreFencedError(
    `Cannot write for "${fence.queue}/${fence.id}": ${state}; stop this worker, another one may have taken over`,
    { ...options, token: fence.token, actual },
  );
}
