import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Program } from "./program.ts";
import { suspend } from "./suspend.ts";

function run(command: string, args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: "ignore" }).status === 0;
}

/** A file system of the kernel on a folder of its own. Gone when disposed. */
export class MountedFileSystem implements Disposable {
  readonly #base = mkdtempSync(join(tmpdir(), "holdfast-mounted-"));
  readonly path = join(this.#base, "mounted");
  readonly #source: string;
  readonly #type: string;

  private constructor(type: string, source = "") {
    this.#type = type;
    this.#source = source === "" ? type : join(this.#base, source);
    mkdirSync(this.path);
  }

  /** In memory, with limits such as `size=1m`; `undefined` where that is not allowed. */
  static inMemory(limits: string): MountedFileSystem | undefined {
    return new MountedFileSystem("tmpfs").#mounted(`mode=0700,${limits}`);
  }

  /** An image of ext4 in a file; `undefined` where that is not allowed. */
  static image(bytes: number): MountedFileSystem | undefined {
    const made = new MountedFileSystem("ext4", "image");
    writeFileSync(made.#source, "");
    truncateSync(made.#source, bytes);
    if (run("mkfs.ext4", ["-q", "-F", made.#source])) return made.#mounted("loop");
    made[Symbol.dispose]();
    return undefined;
  }

  /** Mounts it again with other options. */
  change(options: string): boolean {
    return run("mount", ["-o", `remount,${options}`, this.path]);
  }

  /**
   * Stops the file system at once, as a loss of power does: nothing more reaches the image, not even the journal. Who writes there is suspended for that
   * moment: a sync that runs while a file system is stopped may be told that it succeeded, which a machine without power tells nobody.
   *
   * @returns Whether that is possible here: it takes `perl` or `python3` to ask the kernel.
   * @see {@link https://man7.org/linux/man-pages/man2/ioctl_xfs_goingdown.2.html | XFS_IOC_GOINGDOWN}, which ext4 has too
   */
  async cutPower(writer: Program): Promise<boolean> {
    await suspend(writer);
    const isCut = this.#goDown();
    writer.process.kill("SIGCONT");
    return isCut;
  }

  #goDown(): boolean {
    const [goingDown, withoutJournal] = [0x80_04_58_7d, 2];
    const perl = `open(F, "<", $ARGV[0]) or die; ioctl(F, ${goingDown}, pack("I", ${withoutJournal})) or die`;
    const python = `import fcntl, os, struct, sys; fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), ${goingDown}, struct.pack("I", ${withoutJournal}))`;
    return run("python3", ["-c", python, this.path]) || run("perl", ["-e", perl, this.path]);
  }

  /**
   * Unmounts it and mounts it again: the kernel replays the journal. As long as somebody with mounts of its own still has it, what is mounted is the stopped
   * one again; then it is tried anew.
   */
  async restart(): Promise<boolean> {
    for (let tries = 0; tries < 50; tries += 1) {
      if (!run("umount", [this.path])) return false;
      if (!run("mount", ["-t", this.#type, "-o", "loop", this.#source, this.path])) return false;
      if (this.#answers()) return true;
      await sleep(100);
    }
    return false;
  }

  #answers(): boolean {
    try {
      return readdirSync(this.path).length > 0;
    } catch {
      return false;
    }
  }

  [Symbol.dispose](): void {
    run("umount", ["-l", this.path]);
    rmSync(this.#base, { recursive: true, force: true });
  }

  #mounted(options: string): this | undefined {
    if (run("mount", ["-t", this.#type, "-o", options, this.#source, this.path])) return this;
    this[Symbol.dispose]();
    return undefined;
  }
}
