export { type CanonicalJsonOptions, canonicalJson } from "./canonical-json.ts";
export {
  type CanonicalJsonPiecesOptions,
  canonicalJsonPieces,
  type ExactJsonPiecesOptions,
  exactJsonPieces,
} from "./canonical-json-pieces.ts";
export {
  CanonicalJsonError,
  type CanonicalJsonErrorCode,
  IdempotencyError,
  type IdempotencyErrorCode,
  KeyConflictError,
  OnceFailedError,
  type RecordedFailure,
} from "./errors.ts";
export {
  IDEMPOTENCY_KEY_PATTERN,
  type IdempotencyKey,
  type IdempotencyKeyParts,
  idempotencyKey,
  isIdempotencyKey,
} from "./idempotency-key.ts";
export { type OnceRecord, onceRecordSchema } from "./once-record.ts";
export type { ResultSchema } from "./once-result.ts";
export {
  type InDoubt,
  type OnceOptions,
  type OnceStore,
  type OnceStoreOptions,
  onceStore,
  type Settlement,
} from "./once-store.ts";
export type { OnceContext, OnceProbe, ProbeAnswer } from "./run-once.ts";
