export { CHECKSUM_PATTERN, type Checksum, isChecksum, parseChecksum } from "./checksum.ts";
export { checksumBytes } from "./checksum-bytes.ts";
export { type ChecksumFileOptions, checksumFile, type FileProgress } from "./checksum-file.ts";
export { type ChecksumFilesOptions, checksumFiles, type FilesProgress } from "./checksum-files.ts";
export { type ChecksumStreamOptions, checksumStream } from "./checksum-stream.ts";
export { ChecksumError, type ChecksumErrorCode, ChecksumMismatchError } from "./errors.ts";
export type { FileChecksum } from "./file-checksum.ts";
export { verifyFile } from "./verify-file.ts";
