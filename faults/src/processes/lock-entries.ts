import assert from "node:assert/strict";
import { accessSync, constants, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Trial, TrialOutcome } from "../trial.ts";

import { type Judgement, judgeEntries } from "./judge-entries.ts";
import { type Program, startProgram } from "./program.ts";
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

  /**
   * Goes on until there were enough entries, and judges them.
   *
   * @param options - `killEvery`: how many entries there are between two kills. `suspends`: whether processes are suspended.
   */
  async until(
    entries: number,
    { killEvery = 60, suspends = true }: { readonly killEvery?: number; readonly suspends?: boolean } = {},
  ): Promise<Tormented> {
    await startProgram("enter-locks.ts", []).ended; // later starts are quicker
    const began = now();
    const limit = 60_000 + entries * 100;
    let killAt = 0;
    try {
      for (let round = 1; this.#hearing.said.length < entries * 2 && this.failures.length === 0; round++) {
        if (now() - began > limit)
          throw new Error(`only ${this.#hearing.said.length / 2} entries in ${limit} ms`);
        while (this.#living.size < PROCESSES) this.#start();
        await sleep(4 + Math.random() * 16);
        this.#hearing.hear();
        const victim = this.#victim();
        if (victim === undefined) continue;
        if (this.#hearing.said.length > killAt) {
          this.#kill(victim);
          killAt = this.#hearing.said.length + 2 * killEvery;
        } else if (suspends && round % 4 === 0) void this.#suspend(victim, Math.random() * 30);
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
    void this.#follow(program);
  }

  /** Nothing but a signal ends one. */
  async #follow(program: Program): Promise<void> {
    const { code, stderr } = await program.ended;
    this.#living.delete(program);
    if (stderr !== "" || code !== null) this.failures.push(stderr);
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

async function entriesOf(kind: string, entries: number): Promise<TrialOutcome> {
  const { problem, kills, suspensions, diedInside, entries: seen } = await new Torment(kind).until(entries);
  const counts = { entries: seen, kills, "killed inside": diedInside, suspensions };
  return problem === undefined ? { counts } : { counts, problem };
}

/** What is promised of locks. */
export const LOCKS: readonly Trial[] = [
  {
    name: "locks: the witness",
    promise: "where nobody keeps processes apart, the witness of the rows below sees two inside at once",
    run: async () => {
      const { problem, entries } = await new Torment("none").until(5_000, { suspends: false });
      assert.match(problem ?? "nothing was seen", /somebody inside|was inside/);
      return { counts: { entries } };
    },
  },
  {
    name: "locks: entries",
    promise:
      "one process at a time is inside, whoever is killed or suspended in between, and tokens only grow",
    run: ({ isLong }) => entriesOf("lock", isLong ? 60_000 : 3_000),
  },
  {
    name: "locks: entries by epochs alone",
    promise: "the same where the file system has no kernel locks",
    run: ({ isLong }) => entriesOf("epochs", isLong ? 20_000 : 1_000),
  },
  {
    name: "locks: claims of work",
    promise: "one process at a time holds an item of a work queue, and writes under its fence",
    run: ({ isLong }) => entriesOf("claims", isLong ? 20_000 : 1_000),
  },
  {
    name: "locks: death of a holder",
    promise: "a lock is free within 1 s of the death of its holder",
    run: async ({ isLong }) => {
      // A machine that is busy may let nobody run for a second; a lock that is judged by its age is late every time.
      for (let attempt = 1; ; attempt++) {
        const torment = new Torment("long");
        const options = { killEvery: 4, suspends: false };
        const { problem, entries, kills, diedInside, longestToNext } = await torment.until(
          isLong ? 1_000 : 80,
          options,
        );
        assert.equal(problem, undefined, problem);
        assert.ok(diedInside > 0, "nobody was killed inside");
        if (longestToNext >= 1_000 && attempt < 3) continue;
        assert.ok(longestToNext < 1_000, `the next one got in after ${longestToNext} ms`);
        return {
          counts: {
            entries,
            kills,
            "killed inside": diedInside,
            "longest wait in ms": Math.ceil(longestToNext),
          },
        };
      }
    },
  },
];
