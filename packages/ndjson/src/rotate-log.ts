import { dirname, join } from "node:path";
import type { FileStat, FileSystem, OpenFile } from "@holdfast/fsutil";
import { nextRotatedName, rotatedFiles } from "./log-files.ts";

/**
 * Puts the current file of a log aside under a name with the time, and makes an empty one in its place.
 *
 * A crash at any call leaves every record in one file: before the rename there is the current file, after it the rotated
 * one, and the next writer makes the current file when it is missing. No name is ever overwritten: the writer is alone, and
 * looks first. The rotated name is durable before the old one is given to another file, and both are before anything is
 * appended to that: a file system without a journal may write a later name and lose an earlier one.
 */
export async function rotateLog(
  path: string,
  file: OpenFile,
  options: {
    readonly fileSystem: FileSystem;
    readonly microseconds: bigint;
    readonly durable: boolean;
    readonly mode: number;
  },
): Promise<{ readonly next: OpenFile; readonly name: string; readonly stat: FileStat }> {
  const { fileSystem, microseconds, durable, mode } = options;
  if (durable) await file.sync("full");
  const stat = file.statSync();
  const folder = dirname(path);
  const name = nextRotatedName(path, rotatedFiles(path, fileSystem), microseconds);
  const rotated = join(folder, name);
  if (fileSystem.lstatSync(rotated) !== undefined) throw new Error(`the name "${rotated}" is taken`);
  fileSystem.renameSync(path, rotated);
  if (durable) await fileSystem.syncDirectory(folder);
  const next = fileSystem.openSync(path, "create", mode);
  next.closeSync();
  const appending = fileSystem.openSync(path, "append", mode, { noFollow: true });
  try {
    if (durable) await fileSystem.syncDirectory(folder);
    file.closeSync();
  } catch (error) {
    appending.closeSync();
    throw error;
  }
  return { next: appending, name, stat };
}
