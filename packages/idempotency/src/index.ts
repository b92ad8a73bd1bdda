export { type CanonicalJsonOptions, canonicalJson } from "./canonical-json.ts";
export {
  CanonicalJsonError,
  type CanonicalJsonErrorCode,
  IdempotencyError,
  type IdempotencyErrorCode,
} from "./errors.ts";
export {
  IDEMPOTENCY_KEY_PATTERN,
  type IdempotencyKey,
  type IdempotencyKeyParts,
  idempotencyKey,
  isIdempotencyKey,
} from "./idempotency-key.ts";
