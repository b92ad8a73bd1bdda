import { constants } from "node:fs";
import { type FileHandle, lstat, open, realpath } from "node:fs/promises";
import { isAbsolute, join, sep } from "node:path";
import { type Checksum, checksumStream } from "@holdfast/checksum";

/** What a file is found to be. */
export type ArtifactFile =
  | { readonly kind: "file"; readonly sha256: Checksum; readonly size: number }
  | { readonly kind: "missing" | "escapes" | "not_a_file" | "unreadable"; readonly reason: string };

/**
 * Reads a file below a folder and says what is in it. Nothing outside the folder is read, nothing that is no plain file is opened.
 *
 * @param root - Real path of the folder.
 * @param path - Relative path with forward slashes.
 */
export async function readArtifact(root: string, path: string, signal?: AbortSignal): Promise<ArtifactFile> {
  const wrong = problemOfPath(path);
  if (wrong !== undefined) return { kind: "escapes", reason: wrong };
  try {
    const real = await realpath(join(root, path));
    if (!real.startsWith(root.endsWith(sep) ? root : root + sep)) {
      return { kind: "escapes", reason: "a symbolic link leads out of the workspace" };
    }
    if (!(await lstat(real)).isFile()) return { kind: "not_a_file", reason: "it is not a regular file" };
    // Not blocking: what was a file a moment ago may be a pipe now.
    const file = await open(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      return await readOpened(file, root, path, real, signal);
    } finally {
      await file.close();
    }
  } catch (error) {
    return explain(error);
  }
}

async function readOpened(
  file: FileHandle,
  root: string,
  path: string,
  real: string,
  signal: AbortSignal | undefined,
): Promise<ArtifactFile> {
  const opened = await file.stat({ bigint: true });
  if (!opened.isFile()) return { kind: "not_a_file", reason: "it is not a regular file" };
  // A folder on the way may have been swapped for a link between the check and the open: then this is another file.
  const now = await lstat(real, { bigint: true });
  if ((await realpath(join(root, path))) !== real || now.ino !== opened.ino || now.dev !== opened.dev) {
    return { kind: "escapes", reason: "its path was changed while it was checked" };
  }
  let size = 0;
  const pieces = async function* (): AsyncGenerator<Uint8Array> {
    // The checksum takes each piece before the next is asked for: one buffer does.
    const buffer = Buffer.allocUnsafe(256 * 1024);
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length, null);
      if (bytesRead === 0) return;
      size += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  };
  const sha256 = await checksumStream(pieces(), signal === undefined ? {} : { signal });
  return { kind: "file", sha256, size };
}

function problemOfPath(path: string): string | undefined {
  if (path === "") return "it is empty";
  if (path.includes("\0")) return "it holds a NUL character";
  if (isAbsolute(path) || path.startsWith("/")) return "it is absolute";
  if (path.split(sep === "\\" ? /[\\/]/ : "/").includes("..")) return 'it holds ".."';
  return undefined;
}

function explain(error: unknown): ArtifactFile {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  switch (code) {
    case "ENOENT":
    case "ENOTDIR":
    case "ENAMETOOLONG":
      return { kind: "missing", reason: "there is no such file" };
    case "ELOOP":
      return {
        kind: "escapes",
        reason: "its symbolic links lead in a circle, or it became one while it was checked",
      };
    case "ENXIO":
      return { kind: "not_a_file", reason: "it is not a regular file" };
    case "EACCES":
    case "EPERM":
    case "EIO":
    case "EISDIR":
      return { kind: "unreadable", reason: `it cannot be read (${code})` };
    default:
      throw error;
  }
}
