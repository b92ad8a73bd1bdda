import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const BLOCK = 4_096;

/** A file system of a fixed size in memory, in place of a folder; taken away when disposed. Needs root. */
export class LimitedDisk implements Disposable {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** `undefined` where mounting is not allowed: the test that asks skips visibly. */
  static mount(folder: string, size: string): LimitedDisk | undefined {
    mkdirSync(folder, { recursive: true });
    const options = `size=${size},mode=0700`;
    const { status } = spawnSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", folder], {
      stdio: "ignore",
    });
    return status === 0 ? new LimitedDisk(folder) : undefined;
  }

  /** Takes all room but so many bytes; what was taken before is given back first. */
  leave(bytes: number): void {
    const filler = join(this.folder, "..filler");
    rmSync(filler, { force: true });
    const { bavail, bsize } = statfsSync(this.folder);
    const size = Math.max(0, Math.floor((bavail * bsize - bytes) / BLOCK) * BLOCK);
    writeFileSync(filler, Buffer.alloc(size), { mode: 0o600 });
  }

  /** Gives back what was taken. */
  free(): void {
    rmSync(join(this.folder, "..filler"), { force: true });
  }

  [Symbol.dispose](): void {
    spawnSync("umount", ["-l", this.folder]);
  }
}
