export { CHECKSUM_PATTERN, type Checksum, isChecksum, parseChecksum } from "./checksum.ts";
export { checksumBytes } from "./checksum-bytes.ts";
export { ChecksumError, type ChecksumErrorCode, ChecksumMismatchError } from "./errors.ts";
