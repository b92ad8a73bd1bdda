import assert from "node:assert/strict";
import { accessSync, constants, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { type Judgement, judgeEntries } from "./judge-entries.ts";
import { type Program, startProgram } from "./program.ts";
import type { RealProcesses } from "./real-run.ts";
import { Hearing, now } from "./witness.ts";

const PROCESSES = 4;

/** In memory where there is such a place: what is tried is who gets in, not what lasts, and there are more entries a second. */
function newFolder(): string {
  const memory = "/dev/shm";
  let parent = tmpdir();
  try {
    accessSync(memory, constants.W_OK);
    parent = memory;
  } catch {
    // then the disk
  }
  return mkdtempSync(join(parent, "holdfast-locks-"));
}

interface Tormented extends Judgement {
  readonly kills: number;
  readonly suspensions: number;
}

/** Processes that enter and leave, killed and suspended all the while. */
class Torment {
  readonly folder = newFolder();
  readonly failures: string[] = [];
  readonly #kind: string;
  readonly #living = new Set<Program>();
  readonly #killed = new Map<number, number>();
  readonly #asleep: [number, number][] = [];
  readonly #hearing = new Hearing(this.folder);

  constructor(kind: string) {
    this.#kind = kind;
  }

  /** Goes on until there were enough entries, and judges them. */
  async until(entries: number, suspends: boolean): Promise<Tormented> {
    const deadline = now() + 30_000 + entries * 20;
    try {
      for (let round = 1; this.#hearing.hear().length < entries * 2 && this.failures.length === 0; round++) {
        if (now() > deadline)
          throw new Error(`only ${this.#hearing.said.length / 2} entries in ${deadline} ms`);
        while (this.#living.size < PROCESSES) this.#start();
        await sleep(4 + Math.random() * 16);
        const victim = this.#victim();
        if (victim === undefined) continue;
        if (round % 25 === 0) this.#kill(victim);
        else if (suspends && round % 3 === 0) void this.#suspend(victim, Math.random() * 60);
      }
    } finally {
      await this.#end();
    }
    const [problem] = this.failures;
    return {
      ...judgeEntries(this.#hearing.said, this.#killed, this.#asleep),
      ...(problem !== undefined && { problem }),
      kills: this.#killed.size,
      suspensions: this.#asleep.length,
    };
  }

  #start(): void {
    const program = startProgram("enter-locks.ts", [this.#kind, this.folder]);
    this.#living.add(program);
    void program.ended.then(({ code, stderr }) => {
      this.#living.delete(program);
      if (stderr !== "" || code !== null) this.failures.push(stderr);
    });
  }

  /** As often as not the one that is inside. */
  #victim(): Program | undefined {
    const last = this.#hearing.said.at(-1);
    if (last === undefined) return undefined; // not one of them has begun
    const living = [...this.#living];
    const insider = living.find(({ pid }) => last.what === "enters" && last.pid === pid);
    const any = living[Math.floor(Math.random() * living.length)];
    return Math.random() < 0.5 ? (insider ?? any) : any;
  }

  #kill(program: Program): void {
    this.#living.delete(program);
    this.#killed.set(program.pid, now());
    program.process.kill("SIGKILL");
  }

  async #suspend(program: Program, forMs: number): Promise<void> {
    const span: [number, number] = [now(), Number.POSITIVE_INFINITY];
    this.#asleep.push(span);
    program.process.kill("SIGSTOP");
    await sleep(forMs);
    // Some never wake again.
    if (Math.random() < 0.05 && this.#living.has(program)) this.#kill(program);
    else program.process.kill("SIGCONT");
    span[1] = now() + 20;
  }

  async #end(): Promise<void> {
    for (const program of this.#living) {
      this.#kill(program);
      await program.ended;
    }
    this.#hearing.hear();
    this.#hearing[Symbol.dispose]();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

async function entriesOf(kind: string, entries: number): Promise<Readonly<Record<string, number>>> {
  const {
    problem,
    kills,
    suspensions,
    diedInside,
    entries: seen,
  } = await new Torment(kind).until(entries, true);
  assert.equal(problem, undefined, problem);
  return { entries: seen, kills, "holders killed inside": diedInside, suspensions, overlaps: 0 };
}

/** What is promised of locks. */
export const LOCKS: readonly RealProcesses[] = [
  {
    name: "witness of entries",
    promise: "where nobody keeps processes apart, the witness of the entries below sees two inside at once",
    attempt: async () => {
      const { problem, entries } = await new Torment("none").until(5_000, false);
      assert.match(problem ?? "", /somebody inside|was inside/);
      return { "entries until an overlap was seen": entries };
    },
  },
  {
    name: "lock entries",
    promise:
      "one process at a time is inside a lock, whoever is killed or suspended in between; tokens only grow",
    attempt: (isLong) => entriesOf("lock", isLong ? 60_000 : 3_000),
  },
  {
    name: "lock entries without the kernel's lock",
    promise: "the epoch files alone keep processes apart as well, where a file system has no kernel locks",
    attempt: (isLong) => entriesOf("epochs", isLong ? 20_000 : 1_000),
  },
  {
    name: "claims of a work queue",
    promise: "one process at a time holds an item of a work queue, and writes under its fence",
    attempt: (isLong) => entriesOf("claims", isLong ? 20_000 : 1_000),
  },
  {
    name: "death of a holder",
    promise: "a lock is free within 1 s of the death of its holder",
    attempt: async (isLong) => {
      const { problem, diedInside, longestToNext } = await new Torment("lock").until(
        isLong ? 20_000 : 1_500,
        false,
      );
      assert.equal(problem, undefined, problem);
      assert.ok(longestToNext < 1_000, `the next one got in after ${longestToNext} ms`);
      return {
        "holders killed inside": diedInside,
        "ms at most until the next entry": Math.round(longestToNext),
      };
    },
  },
];
