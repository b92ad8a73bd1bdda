import type { OpenFile } from "@holdfast/fsutil";

function nothingWritten(path: string): NodeJS.ErrnoException {
  const error: NodeJS.ErrnoException = new Error(`ENOSPC: a write to '${path}' wrote nothing`);
  error.code = "ENOSPC";
  return error;
}

/** Writes every byte: a short count is not an error of the system, but the rest has to be asked for again. */
export function writeAllSync(file: OpenFile, data: Uint8Array, position: number): void {
  for (let done = 0; done < data.length; ) {
    const count = file.writeSync(done === 0 ? data : data.subarray(done), position + done);
    if (count === 0) throw nothingWritten(file.path);
    done += count;
  }
}

/** {@link writeAllSync} for data that would stop the process for too long. */
export async function writeAll(file: OpenFile, data: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < data.length; ) {
    const count = await file.write(done === 0 ? data : data.subarray(done), position + done);
    if (count === 0) throw nothingWritten(file.path);
    done += count;
  }
}
