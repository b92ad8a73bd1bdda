import { createHash } from "node:crypto";
import { type Checksum, checksumOfDigest } from "./checksum.ts";

/** Options of {@link checksumStream}. */
export interface ChecksumStreamOptions {
  /** Stops between two pieces; the stream is closed and the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * The checksum of everything a stream gives, piece by piece, in constant memory. How it is cut into pieces makes no difference.
 *
 * @param source - Any iterable of bytes: a Node or web stream, a generator, a list. Pieces that are texts are refused: cut in the middle of a character
 *   they would have another checksum; encode them, or read the stream without an encoding.
 * @param options - `signal`.
 * @returns `sha256:` and 64 lowercase hex digits. What the source throws, rejects.
 * @throws {TypeError} When a piece is not bytes.
 */
export async function checksumStream(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options: ChecksumStreamOptions = {},
): Promise<Checksum> {
  options.signal?.throwIfAborted();
  const sha = createHash("sha256");
  for await (const piece of source) {
    options.signal?.throwIfAborted();
    if (!(piece instanceof Uint8Array)) {
      throw new TypeError(
        `Cannot checksum stream: a piece is ${typeof piece}, not bytes; read the stream without an encoding`,
      );
    }
    sha.update(piece);
  }
  return checksumOfDigest(sha.digest("hex"));
}
