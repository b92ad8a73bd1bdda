import { readFileSync, writeFileSync } from "node:fs";
import { platform } from "node:process";

/** The most resident memory since {@link resetPeak}, in bytes; 0 where the system does not tell. */
export function peak(): number {
  if (platform !== "linux") return 0;
  return Number(/VmHWM:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))?.[1]) * 1024;
}

/** Collects what is garbage, and gives the memory that is left. */
export function resetPeak(): number {
  globalThis.gc?.();
  globalThis.gc?.();
  if (platform === "linux") writeFileSync("/proc/self/clear_refs", "5");
  return peak();
}

/** Collects what is garbage now and then, ever more seldom, and keeps the most that was left: what a job holds, however lazy the collector is otherwise. */
export class HeldMemory {
  readonly #before: number;
  #most = 0;
  #intervalMs = 100;
  #timer: NodeJS.Timeout;

  constructor() {
    this.#before = held();
    this.#timer = this.#later();
  }

  #later(): NodeJS.Timeout {
    return setTimeout(() => {
      this.#look();
      this.#intervalMs *= 1.4;
      this.#timer = this.#later();
    }, this.#intervalMs);
  }

  #look(): void {
    this.#most = Math.max(this.#most, held() - this.#before);
  }

  /** Ends it, and gives the most in bytes. */
  end(): number {
    clearTimeout(this.#timer);
    this.#look();
    return this.#most;
  }
}

function held(): number {
  globalThis.gc?.();
  // Buffers that the first one found free are given back beside it, and counted as taken until the next.
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
