import { closeSync, existsSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { hrtime, pid } from "node:process";
import { DatabaseSync } from "node:sqlite";

const LOG = "witness.log";

/** What a process says of itself: a line of the witness's file. */
export interface Said {
  readonly what: "enters" | "leaves" | "overlap";
  readonly token: number;
  readonly pid: number;
  /** The monotonic clock that all processes share, in milliseconds. */
  readonly at: number;
}

/**
 * Sees who is inside a lock, by means of its own: a kernel lock on another file, which the kernel alone gives and takes back, and
 * lines that are appended by one system call each, so that their order is the order of what happened.
 */
export class Witness implements Disposable {
  readonly #file: number;
  readonly #database: DatabaseSync;

  constructor(folder: string) {
    this.#file = openSync(join(folder, LOG), "a", 0o600);
    // Nothing is read from it here: that takes a lock for a moment, which would look like somebody inside.
    this.#database = new DatabaseSync(join(folder, "witness.db"), { timeout: 0 });
  }

  /** Called as soon as the lock is held. */
  enters(token: number): void {
    try {
      this.#database.exec("BEGIN EXCLUSIVE");
    } catch {
      this.#say("overlap", token);
      throw new Error(`token ${token} of process ${pid} found somebody inside`);
    }
    this.#say("enters", token);
  }

  /** Called before the lock is given back. */
  leaves(token: number): void {
    this.#say("leaves", token);
    this.#database.exec("ROLLBACK");
  }

  [Symbol.dispose](): void {
    this.#database.close();
    closeSync(this.#file);
  }

  #say(what: Said["what"], token: number): void {
    writeSync(this.#file, `${what} ${token} ${pid} ${now()}\n`);
  }
}

/** The monotonic clock that all processes of a machine share, in milliseconds. */
export function now(): number {
  return Number(hrtime.bigint() / 1_000n) / 1_000;
}

/** Reads what was said so far, again and again, each line once. */
export class Hearing implements Disposable {
  readonly said: Said[] = [];
  readonly #path: string;
  #file: number | undefined;
  #rest = "";

  constructor(folder: string) {
    this.#path = join(folder, LOG);
  }

  /** Reads what is new, and gives all of it. */
  hear(): readonly Said[] {
    if (this.#file === undefined && !existsSync(this.#path)) return this.said;
    this.#file ??= openSync(this.#path, "r");
    const lines = (this.#rest + readFileSync(this.#file, "utf8")).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) this.said.push(parse(line));
    return this.said;
  }

  [Symbol.dispose](): void {
    if (this.#file !== undefined) closeSync(this.#file);
  }
}

function parse(line: string): Said {
  const [what = "", token, of, at] = line.split(" ");
  if (what !== "enters" && what !== "leaves" && what !== "overlap")
    throw new Error(`the witness wrote "${line}"`);
  return { what, token: Number(token), pid: Number(of), at: Number(at) };
}
