import type { Checksum } from "./checksum.ts";
import { hashFile } from "./hash-file.ts";

/** How far the reading of a file is. */
export interface FileProgress {
  readonly path: string;
  /** Bytes read so far. */
  readonly bytesRead: number;
  /** Bytes in the file. */
  readonly size: number;
}

/** Options of {@link checksumFile}. */
export interface ChecksumFileOptions {
  /** Stops reading; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Called after each piece (of 1 MiB at most) that was read. What it throws, rejects. */
  readonly onProgress?: ((progress: FileProgress) => void) | undefined;
  /** `false`: a path that is a symbolic link is refused with `CHECKSUM_NOT_A_FILE`. Default `true`. Folders on the way are always followed. */
  readonly followSymlinks?: boolean | undefined;
}

/**
 * The checksum of a file of any size, in constant memory.
 *
 * The file must not change meanwhile: what the system says of it (size, times of change, inode) is compared before and after, and a difference is an error, so
 * that the result is never of a mix of two states. A file that was changed less than 20 ms ago is waited for that long, because two changes so close can bear the same time.
 *
 * @param path - File to read. Folders, FIFOs, sockets and devices are refused at once; none makes it hang.
 * @param options - `signal`, `onProgress`, `followSymlinks` (default `true`).
 * @returns `sha256:` and 64 lowercase hex digits.
 * @throws {ChecksumError} `CHECKSUM_MISSING`, `CHECKSUM_NOT_A_FILE`, `CHECKSUM_FILE_CHANGED`, or `CHECKSUM_IO` with the system's error as `cause`.
 */
export async function checksumFile(path: string, options: ChecksumFileOptions = {}): Promise<Checksum> {
  const { signal, onProgress, followSymlinks = true } = options;
  let bytesRead = 0;
  const onBytes =
    onProgress === undefined
      ? undefined
      : (count: number, size: number): void => {
          bytesRead += count;
          onProgress({ path, bytesRead, size });
        };
  return (await hashFile(path, { signal, onBytes, followSymlinks })).checksum;
}
