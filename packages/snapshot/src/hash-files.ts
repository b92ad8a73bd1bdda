/** Files of one folder to hash. */
export interface HashFolder {
  /** Real path of the folder, without symlinks. */
  readonly path: string;
  readonly names: readonly string[];
}

/** Why a file was not hashed. `large`: over the limit given, to be hashed elsewhere. */
export type HashFailure = "vanished" | "changed" | "not-a-file" | "outside" | "unreadable" | "large";

/** What came of a list of folders; everything is in the order of their files. */
export interface HashedFiles {
  /** Four numbers a file: size, mtime and ctime in nanoseconds, inode. */
  readonly stats: BigInt64Array;
  readonly modes: Uint32Array;
  /** 32 bytes a file: its SHA-256. */
  readonly digests: Uint8Array;
  readonly failures: readonly {
    readonly index: number;
    readonly failure: HashFailure;
    readonly code: string;
  }[];
}

export type FileHasher = (folders: readonly HashFolder[], largest: number) => HashedFiles;

/**
 * Makes the function that hashes files. It runs as it is in worker threads, from its own source text: it may use nothing
 * but its arguments and what `process.getBuiltinModule` gives.
 *
 * A folder is opened once, and its true path compared with the one expected; files are opened below that open folder, not
 * through a symlink and without waiting for a writer. So a folder or file that was swapped for a symlink is never read.
 * A file counts only when it is the same before and after it was read: size, times, inode and mode.
 */
export function createFileHasher(attempts: number, onBytes: (bytes: number) => void): FileHasher {
  const fs = process.getBuiltinModule("node:fs");
  const crypto = process.getBuiltinModule("node:crypto");
  // Some are absent on Windows.
  const constants: Partial<typeof fs.constants> = fs.constants;
  const { O_RDONLY = 0, O_DIRECTORY = 0, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants;
  const folderFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK;
  const fileFlags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK;
  const descriptors = process.platform === "linux" && fs.existsSync("/proc/self/fd");
  const buffer = Buffer.allocUnsafeSlow(256 * 1024);
  const pause = new Int32Array(new SharedArrayBuffer(4));

  // Everything stays inside, because it travels as text.
  // oxlint-disable-next-line unicorn/consistent-function-scoping
  const codeOf = (error: unknown) => (error instanceof Error && "code" in error ? String(error.code) : "");
  // oxlint-disable-next-line unicorn/consistent-function-scoping
  const failed = (failure: HashFailure, code = "") => ({ failure, code });

  const whyNot = (error: unknown) => {
    const code = codeOf(error);
    if (code === "ENOENT" || code === "ENOTDIR") return failed("vanished", code);
    if (code === "ELOOP" || code === "EMLINK" || code === "ENXIO" || code === "ENODEV")
      return failed("not-a-file", code);
    return failed("unreadable", code);
  };

  // Two changes within one tick of a file system's clock leave the same times: a file that changed just now is left
  // alone until the tick is over, so that a change while it is read is seen.
  const settled = (fd: number) => {
    for (let tries = 0; ; tries++) {
      const stat = fs.fstatSync(fd, { bigint: true });
      const age = Date.now() - Number(stat.ctimeMs);
      if (age >= 2_000) return stat;
      const tick = stat.ctimeNs % 1_000_000_000n === 0n ? 2_000 : 20;
      if (age < 0 || age >= tick || tries >= attempts || !stat.isFile()) return stat;
      Atomics.wait(pause, 0, 0, tick - age);
    }
  };

  const hashOpen = (fd: number, size: number): string | undefined => {
    const first = fs.readSync(fd, buffer, 0, buffer.length, 0);
    if (first === size && first < buffer.length) {
      onBytes(first);
      return crypto.hash("sha256", buffer.subarray(0, first), "hex");
    }
    const hash = crypto.createHash("sha256");
    let read = first;
    let total = 0;
    while (read > 0) {
      hash.update(buffer.subarray(0, read));
      total += read;
      onBytes(read);
      // A file that grows faster than it is read would never end.
      if (total > size) return undefined;
      read = fs.readSync(fd, buffer, 0, buffer.length, total);
    }
    return total === size ? hash.digest("hex") : undefined;
  };

  const hashOne = (path: string, largest: number, stats: BigInt64Array, at: number) => {
    for (let attempt = 1; ; attempt++) {
      const fd = fs.openSync(path, fileFlags);
      try {
        const before = settled(fd);
        if (!before.isFile()) return failed("not-a-file");
        if (before.size > largest) return failed("large");
        const digest = hashOpen(fd, Number(before.size));
        const after = fs.fstatSync(fd, { bigint: true });
        if (
          digest !== undefined &&
          before.size === after.size &&
          before.mtimeNs === after.mtimeNs &&
          before.ctimeNs === after.ctimeNs
        ) {
          stats[at] = after.size;
          stats[at + 1] = after.mtimeNs;
          stats[at + 2] = after.ctimeNs;
          stats[at + 3] = after.ino;
          return { mode: Number(after.mode), digest };
        }
      } finally {
        fs.closeSync(fd);
      }
      if (attempt >= attempts) return failed("changed");
      Atomics.wait(pause, 0, 0, 5 * attempt);
    }
  };

  return (folders, largest) => {
    let count = 0;
    for (const folder of folders) count += folder.names.length;
    const stats = new BigInt64Array(count * 4);
    const modes = new Uint32Array(count);
    const failures: { index: number; failure: HashFailure; code: string }[] = [];
    const digests = Buffer.alloc(count * 32);
    let index = 0;
    for (const { path, names } of folders) {
      let folderFd = -1;
      let wrong: { failure: HashFailure; code: string } | undefined;
      try {
        folderFd = fs.openSync(path, folderFlags);
        const real = descriptors ? fs.readlinkSync(`/proc/self/fd/${folderFd}`) : fs.realpathSync(path);
        if (real !== path) wrong = failed("outside");
      } catch (error) {
        // A system that opens no folders goes by its path; the check after the loop covers it.
        if (codeOf(error) !== "EISDIR") wrong = whyNot(error);
      }
      const base = descriptors && folderFd >= 0 ? `/proc/self/fd/${folderFd}` : path;
      for (const name of names) {
        let result: ReturnType<typeof hashOne> | undefined = wrong;
        if (result === undefined) {
          try {
            result = hashOne(`${base}/${name}`, largest, stats, index * 4);
            if (!descriptors && fs.realpathSync(path) !== path) result = failed("outside");
          } catch (error) {
            result = whyNot(error);
          }
        }
        if ("digest" in result) {
          modes[index] = result.mode;
          digests.write(result.digest, index * 32, "hex");
        } else {
          failures.push({ index, ...result });
        }
        index++;
      }
      if (folderFd >= 0) fs.closeSync(folderFd);
    }
    return { stats, modes, digests, failures };
  };
}
