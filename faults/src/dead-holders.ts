import type { FileSystem, OpenFile } from "@holdfast/fsutil";

/**
 * A disk on which everybody who holds a lock now is dead.
 *
 * The locks of a crashed program name this very process, which lives on and stands in for the next one. Their epoch files are shown as those
 * of a process that had its number before: what tells two such processes apart is when they started.
 */
export function withDeadHolders(fileSystem: FileSystem): FileSystem {
  const epochs = new Set(epochFiles(fileSystem, "/"));
  const openSync: FileSystem["openSync"] = (path, ...how) => {
    const file = fileSystem.openSync(path, ...how);
    return epochs.has(path) ? ofDead(file) : file;
  };
  return new Proxy(fileSystem, {
    get: (disk, name) => {
      if (name === "openSync") return openSync;
      const value: unknown = Reflect.get(disk, name, disk);
      return typeof value === "function" ? value.bind(disk) : value;
    },
  });
}

/** The same file; the moment at which the holder's process started has other digits, and as many. */
function ofDead(file: OpenFile): OpenFile {
  const readSync = (buffer: Uint8Array, position: number): number => {
    const count = file.readSync(buffer, position);
    const bytes = Buffer.from(buffer.buffer, buffer.byteOffset, count);
    const start = /"process_start":\s*"(\d+)/.exec(bytes.toString("latin1"));
    if (start?.[1] !== undefined)
      bytes.write("1".repeat(start[1].length), start.index + start[0].length - start[1].length);
    return count;
  };
  return { ...file, readSync, read: async (buffer, position) => readSync(buffer, position) };
}

function epochFiles(fileSystem: FileSystem, folder: string): string[] {
  return fileSystem.readdirSync(folder).flatMap((name) => {
    const path = folder === "/" ? `/${name}` : `${folder}/${name}`;
    if (fileSystem.lstatSync(path)?.kind === "directory") return epochFiles(fileSystem, path);
    return name.startsWith("epoch-") ? [path] : [];
  });
}
