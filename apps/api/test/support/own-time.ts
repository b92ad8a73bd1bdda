const STEP_MS = 20;

/**
 * The time that this process had, in milliseconds: a moment in which it neither slept nor worked, because the machine did something else,
 * does not count. So a promise in seconds can be held against a server in this process, however busy the machine is; a server that blocks
 * the event loop works, and all of that counts.
 */
export class OwnTime implements Disposable {
  readonly #timer = setInterval(() => this.#look(), STEP_MS);
  #at = performance.now();
  #cpu = process.cpuUsage();
  #ms = 0;

  get ms(): number {
    this.#look();
    return this.#ms;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const at = performance.now();
    const cpu = process.cpuUsage();
    const worked = (cpu.user + cpu.system - this.#cpu.user - this.#cpu.system) / 1_000;
    // Asleep, it is woken after a step; what is longer was work, or waiting for a turn.
    this.#ms += Math.min(at - this.#at, Math.max(STEP_MS, worked));
    this.#at = at;
    this.#cpu = cpu;
  }
}
