import { type Checksum, parseChecksum } from "./checksum.ts";
import { type ChecksumFileOptions, checksumFile } from "./checksum-file.ts";
import { ChecksumMismatchError } from "./errors.ts";

/**
 * Makes sure that a file has the contents it should have.
 *
 * @param path - File to read, as for {@link checksumFile}.
 * @param expected - The checksum it must have.
 * @param options - As for {@link checksumFile}.
 * @returns The checksum, equal to `expected`.
 * @throws {ChecksumMismatchError} `CHECKSUM_MISMATCH`, with `expected` and `actual`.
 * @throws {ChecksumError} `CHECKSUM_FORMAT` when `expected` is not a checksum (before anything is read), and the codes of {@link checksumFile}.
 */
export async function verifyFile(
  path: string,
  expected: string,
  options: ChecksumFileOptions = {},
): Promise<Checksum> {
  const wanted = parseChecksum(expected);
  const actual = await checksumFile(path, options);
  if (actual === wanted) return actual;
  throw new ChecksumMismatchError(
    `Cannot verify "${path}": its checksum is ${actual}, expected ${wanted}; the contents are not what was recorded`,
    {
      path,
      expected: wanted,
      actual,
    },
  );
}
