import type { Checksum } from "./checksum.ts";
import { checksumOfDigest } from "./checksum.ts";
import type { OpenedFile } from "./opened-file.ts";

/** The checksum of a file, and what the system said of the file at the moment it was read. */
export interface FileChecksum {
  /** The path as it was given. */
  readonly path: string;
  readonly checksum: Checksum;
  /** Bytes. */
  readonly size: number;
  /** When the contents were last written, in nanoseconds since 1970. */
  readonly mtimeNs: bigint;
  /** When contents or status last changed, in nanoseconds since 1970; cannot be set by a program. */
  readonly ctimeNs: bigint;
  readonly ino: bigint;
  readonly dev: bigint;
  /** Kind and permission bits, as `stat` gives them. */
  readonly mode: number;
}

/** Puts together what is known of a file that was read to its end. */
export function fileChecksumOf({ path, before }: OpenedFile, hex: string): FileChecksum {
  return {
    path,
    checksum: checksumOfDigest(hex),
    size: Number(before.size),
    mtimeNs: before.mtimeNs,
    ctimeNs: before.ctimeNs,
    ino: before.ino,
    dev: before.dev,
    mode: Number(before.mode),
  };
}
