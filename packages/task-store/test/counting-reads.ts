import { type FileSystem, nodeFileSystem, type OpenFile } from "@holdfast/fsutil";

/** A file system that counts the bytes that are read of the files whose path has a part. */
export function countingReads(part: string): {
  readonly fileSystem: FileSystem;
  readonly bytes: () => number;
} {
  let bytes = 0;
  const counted = (read: number): number => {
    bytes += read;
    return read;
  };
  const counting = (file: OpenFile): OpenFile =>
    new Proxy(file, {
      get(target, name) {
        if (name === "readSync")
          return (buffer: Uint8Array, at: number) => counted(target.readSync(buffer, at));
        if (name === "read")
          return async (buffer: Uint8Array, at: number) => counted(await target.read(buffer, at));
        const value: unknown = Reflect.get(target, name);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  const fileSystem = new Proxy(nodeFileSystem, {
    get(target, name) {
      if (name !== "openSync") return Reflect.get(target, name);
      return (...given: Parameters<FileSystem["openSync"]>) => {
        const file = target.openSync(...given);
        return given[0].includes(part) ? counting(file) : file;
      };
    },
  });
  return { fileSystem, bytes: () => bytes };
}
