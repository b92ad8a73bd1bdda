import { createHash } from "node:crypto";

import { canonicalJson } from "@holdfast/idempotency";

/** What of a file is part of a snapshot's id. */
export interface IdentifiedFile {
  readonly path: string;
  readonly sha256: string;
  readonly size: number;
}

const CHUNK = 64 * 1024;
/** What needs the escapes of JSON, or is not well formed. */
const SPECIAL = /["\\\p{Cc}\p{Cs}]/u;

/**
 * The id of a list of files: `snap-` and the first 12 hexadecimal digits of the SHA-256 of the canonical JSON (RFC 8785)
 * of `[{path, sha256, size}, ...]`, sorted by path in UTF-16 code units. Times, modes, owner and root are not part of it,
 * so the same content has the same id on every machine.
 *
 * @param files - In any order; other fields are left out.
 * @throws {TypeError} When two files have the same path.
 */
export function snapshotIdOf(files: readonly IdentifiedFile[]): string {
  return `snap-${contentHashOf(files).slice(0, 12)}`;
}

/** The whole hash behind {@link snapshotIdOf}, in bounded memory: the canonical text is never held at once. */
function contentHashOf(files: readonly IdentifiedFile[]): string {
  const hash = createHash("sha256");
  let text = "[";
  let before: string | undefined;
  for (const { path, sha256, size } of inOrder(files)) {
    if (path === before) throw new TypeError(`Cannot name a snapshot: "${path}" is listed twice`);
    const start = before === undefined ? "" : ",";
    text +=
      SPECIAL.test(path) || SPECIAL.test(sha256) || !Number.isSafeInteger(size)
        ? start + canonicalJson({ path, sha256, size })
        : `${start}{"path":"${path}","sha256":"${sha256}","size":${size}}`;
    before = path;
    if (text.length > CHUNK) {
      hash.update(text);
      text = "";
    }
  }
  return hash.update(`${text}]`).digest("hex");
}

function inOrder(files: readonly IdentifiedFile[]): readonly IdentifiedFile[] {
  for (let index = 1; index < files.length; index++) {
    if ((files[index - 1] as IdentifiedFile).path > (files[index] as IdentifiedFile).path) {
      return files.toSorted((a, b) => comparePaths(a.path, b.path));
    }
  }
  return files;
}

/** Order by UTF-16 code units. */
export function comparePaths(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
