import type { FileSystem } from "@holdfast/fsutil";

const MAX_AGE_MS = 10_000;

/** The time of a test: a process that is suspended does not see it pass. */
export interface ManualClock {
  now: number;
}

/** A lock with a file; it is taken from its holder when it is old, or, without the mistake, never. */
export class OldLock {
  readonly #fs: FileSystem;
  readonly #clock: ManualClock;
  readonly #byAge: boolean;
  #held = false;

  constructor(fs: FileSystem, clock: ManualClock, byAge: boolean) {
    this.#fs = fs;
    this.#clock = clock;
    this.#byAge = byAge;
  }

  take(): boolean {
    const since = this.#since();
    const isOld = this.#byAge && since !== undefined && this.#clock.now - since > MAX_AGE_MS;
    if (since !== undefined && !isOld) return false;
    if (isOld) this.#fs.unlinkSync("/lock");
    const file = this.#fs.openSync("/lock", "create");
    file.writeSync(Buffer.from(String(this.#clock.now)), 0);
    file.syncSync("full");
    file.closeSync();
    this.#fs.syncDirectorySync("/");
    this.#held = true;
    return true;
  }

  giveBack(): void {
    if (this.#held) this.#fs.unlinkSync("/lock");
    this.#held = false;
    this.#fs.syncDirectorySync("/");
  }

  #since(): number | undefined {
    if (this.#fs.lstatSync("/lock") === undefined) return undefined;
    const file = this.#fs.openSync("/lock", "read");
    const bytes = Buffer.alloc(file.statSync().size);
    file.readSync(bytes, 0);
    file.closeSync();
    return Number(bytes.toString());
  }
}
