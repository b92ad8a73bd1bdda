import { createHash } from "node:crypto";
import { StoreError } from "./errors.ts";
import type { MemoryGuard } from "./memory-documents.ts";
import type { Bytes, Objects } from "./store.ts";

/** Objects in memory. */
export class MemoryObjects implements Objects {
  readonly #guard: MemoryGuard;
  readonly #objects = new Map<string, Uint8Array>();

  constructor(guard: MemoryGuard) {
    this.#guard = guard;
  }

  async put(
    content: Bytes | AsyncIterable<Bytes>,
  ): Promise<{ readonly checksum: string; readonly size: number }> {
    this.#guard.assertOpen();
    const parts: Uint8Array[] = [];
    if (content instanceof Uint8Array) parts.push(content);
    else for await (const part of content) parts.push(Uint8Array.from(part));
    this.#guard.assertOpen();
    const bytes = Uint8Array.from(Buffer.concat(parts));
    const checksum = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
    if (!this.#objects.has(checksum)) this.#objects.set(checksum, bytes);
    return { checksum, size: bytes.length };
  }

  async *get(checksum: string): AsyncGenerator<Bytes> {
    this.#guard.assertOpen();
    checkObjectChecksum(checksum);
    const found = this.#objects.get(checksum);
    if (found === undefined) throw missingObject(checksum);
    for (let at = 0; at < found.length; at += 65_536) yield found.slice(at, at + 65_536);
  }

  async has(checksum: string): Promise<boolean> {
    this.#guard.assertOpen();
    checkObjectChecksum(checksum);
    return this.#objects.has(checksum);
  }

  async sync(): Promise<void> {
    this.#guard.assertOpen();
  }

  async delete(checksum: string): Promise<void> {
    this.#guard.assertOpen();
    checkObjectChecksum(checksum);
    this.#objects.delete(checksum);
  }

  async *list(): AsyncGenerator<{ readonly checksum: string; readonly size: number }> {
    this.#guard.assertOpen();
    for (const checksum of [...this.#objects.keys()].toSorted()) {
      const found = this.#objects.get(checksum);
      if (found !== undefined) yield { checksum, size: found.length };
    }
  }
}

/**
 * Checks the name of an object.
 *
 * @throws {TypeError} When it is not `sha256:` and 64 lowercase hex digits.
 */
export function checkObjectChecksum(checksum: string): void {
  if (typeof checksum !== "string" || !/^sha256:[0-9a-f]{64}$/.test(checksum)) {
    throw new TypeError(`Not a checksum of an object: ${JSON.stringify(checksum)}`);
  }
}

/** The error for an object that is not there. */
export function missingObject(checksum: string, path = checksum): StoreError {
  return new StoreError(
    "STORE_MISSING",
    `Cannot read the object "${checksum}": there is none; restore it from a copy of the store or take the snapshot again`,
    { path },
  );
}
