import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Program } from "./program.ts";

/** Letters by which Linux tells that a thread is stopped, or gone. */
const STANDS = new Set(["T", "t", "Z", "X"]);

function standsStill(pid: number): boolean {
  try {
    return readdirSync(`/proc/${pid}/task`).every((thread) => {
      const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, "latin1");
      return STANDS.has(stat.slice(stat.lastIndexOf(")") + 2).charAt(0));
    });
  } catch {
    return true; // gone, or no Linux
  }
}

/** Suspends a program, and waits until each of its threads stands: one that is in a system call ends it first. SIGCONT wakes it. */
export async function suspend(program: Program): Promise<void> {
  program.process.kill("SIGSTOP");
  await sleep(3);
  while (!standsStill(program.pid)) await sleep(1);
}
