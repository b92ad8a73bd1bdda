import { createHash } from "node:crypto";

import { canonicalJson } from "@holdfast/idempotency";

/** What of a file is part of a snapshot's id. */
export interface IdentifiedFile {
  readonly path: string;
  readonly sha256: string;
  readonly size: number;
}

const CHUNK = 64 * 1024;
/** What JSON writes as it is; of everything else the canonical writer is asked. */
const PLAIN = /^[ !#-[\]-~]*$/;

/**
 * The id of a list of files: `snap-` and the first 12 hexadecimal digits of the SHA-256 of the canonical JSON (RFC 8785)
 * of `[{path, sha256, size}, ...]`, sorted by path in UTF-16 code units. Times, modes, owner and root are not part of it,
 * so the same content has the same id on every machine.
 *
 * @param files - In any order; other fields are left out.
 * @throws {TypeError} When two files have the same path.
 */
export function snapshotIdOf(files: readonly IdentifiedFile[]): string {
  const hash = new SnapshotIdHash();
  for (const file of inOrder(files)) hash.add(file);
  return hash.id();
}

/** Makes a snapshot's id of files that come one by one, in order; the canonical text is never held at once. */
export class SnapshotIdHash {
  readonly #hash = createHash("sha256");
  #text = "[";
  #before: string | undefined;

  /**
   * @param isChecked - That the checksum is one and the size a size is known already.
   * @throws {TypeError} When the path does not come after the one before.
   */
  add({ path, sha256, size }: IdentifiedFile, isChecked = false): void {
    const before = this.#before;
    if (before !== undefined && path <= before) {
      throw new TypeError(`Cannot name a snapshot: "${path}" is listed twice or out of order`);
    }
    this.#before = path;
    if (before !== undefined) this.#text += ",";
    const isPlain =
      PLAIN.test(path) && (isChecked || (PLAIN.test(sha256) && Number.isSafeInteger(size) && size > 0));
    this.#text += isPlain
      ? `{"path":"${path}","sha256":"${sha256}","size":${size}}`
      : canonicalJson({ path, sha256, size });
    if (this.#text.length > CHUNK) {
      this.#hash.update(this.#text, "utf8");
      this.#text = "";
    }
  }

  /** The id; nothing can be added after it. */
  id(): string {
    return `snap-${this.#hash.update(`${this.#text}]`).digest("hex").slice(0, 12)}`;
  }
}

function inOrder(files: readonly IdentifiedFile[]): readonly IdentifiedFile[] {
  let before: string | undefined;
  for (const { path } of files) {
    if (before !== undefined && before > path) return files.toSorted((a, b) => comparePaths(a.path, b.path));
    before = path;
  }
  return files;
}

/** Order by UTF-16 code units. */
export function comparePaths(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
