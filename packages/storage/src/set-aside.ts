import { isUtf8 } from "node:buffer";
import { dirname } from "node:path";
import { type FileSystem, syncDirectory, writeFileAtomic } from "@holdfast/fsutil";
import { splitLines } from "@holdfast/ndjson";
import type { LineFormat } from "./log-path.ts";

const CHUNK = 256 * 1024;

/** Renames a file to `<path>.corrupt`, or the next name that is free. When it resolves, that is durable. */
export async function setAside(fileSystem: FileSystem, path: string): Promise<string> {
  for (let number = 1; ; number += 1) {
    const aside = number === 1 ? `${path}.corrupt` : `${path}.${number}.corrupt`;
    if (fileSystem.lstatSync(aside) !== undefined) continue;
    fileSystem.renameSync(path, aside);
    await syncDirectory(dirname(path), { fileSystem });
    return aside;
  }
}

/**
 * Takes the damaged lines out of a file of a log; they are appended to `<path>.corrupt`. The file is replaced only when they are
 * durable there.
 *
 * @returns How many lines were taken out.
 */
export async function setLinesAside(
  fileSystem: FileSystem,
  path: string,
  format: LineFormat,
): Promise<number> {
  const aside = `${path}.corrupt`;
  const kept = fileSystem.openSync(aside, "append", 0o600, { noFollow: true });
  let count = 0;
  try {
    for await (const { bytes, isGood } of linesOf(fileSystem, path, format)) {
      if (isGood) continue;
      count += 1;
      const written = kept.writeSync(bytes, 0);
      if (written !== bytes.length)
        throw Object.assign(new Error(`short write to "${aside}"`), { code: "ENOSPC" });
    }
    await kept.sync("full");
  } finally {
    kept.closeSync();
  }
  await syncDirectory(dirname(path), { fileSystem });
  await writeFileAtomic(path, goodLines(fileSystem, path, format), { fileSystem });
  return count;
}

async function* goodLines(
  fileSystem: FileSystem,
  path: string,
  format: LineFormat,
): AsyncGenerator<Uint8Array> {
  for await (const { bytes, isGood } of linesOf(fileSystem, path, format)) if (isGood) yield bytes;
}

/** Lines with their newline. */
async function* linesOf(
  fileSystem: FileSystem,
  path: string,
  format: LineFormat,
): AsyncGenerator<{ readonly bytes: Uint8Array; readonly isGood: boolean }> {
  const file = fileSystem.openSync(path, "read", undefined, { noFollow: true });
  try {
    for await (const { bytes, terminated } of splitLines(chunks())) {
      yield {
        bytes: Buffer.concat([bytes, Buffer.from("\n")]),
        isGood: terminated && isWhole(bytes, format),
      };
    }
  } finally {
    file.closeSync();
  }

  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (let at = 0; ; ) {
      const buffer = Buffer.allocUnsafe(CHUNK);
      const count = await file.read(buffer, at);
      if (count === 0) return;
      at += count;
      yield buffer.subarray(0, count);
    }
  }
}

function isWhole(bytes: Uint8Array, format: LineFormat): boolean {
  if (!isUtf8(bytes)) return false;
  if (format === "text") return true;
  try {
    JSON.parse(Buffer.from(bytes).toString("utf8"));
    return true;
  } catch {
    return false;
  }
}
