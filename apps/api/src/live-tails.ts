import { ProblemError } from "./errors.ts";

/** The live tails of a server: how many there are, and how they all end. */
export class LiveTails {
  readonly #max: number;
  readonly #open = new Set<AbortController>();
  #refused = 0;
  #closed = false;

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#open.size;
  }

  /** How many were refused so far. */
  get refused(): number {
    return this.#refused;
  }

  /**
   * Takes a place; abort the controller, or let the server do it, and give it back with `end`.
   *
   * @throws {ProblemError} `TOO_MANY_TAILS`
   */
  open(): AbortController {
    if (this.#open.size >= this.#max) {
      this.#refused += 1;
      throw new ProblemError(
        "TOO_MANY_TAILS",
        `There are ${this.#max} live tails, which is the most there may be; try again later`,
        { details: { limit: this.#max }, headers: { "retry-after": "5" } },
      );
    }
    const controller = new AbortController();
    this.#open.add(controller);
    if (this.#closed) controller.abort();
    return controller;
  }

  /** Gives a place back. */
  end(controller: AbortController): void {
    controller.abort();
    this.#open.delete(controller);
  }

  /** Ends them all: each is told that its stream is over. */
  close(): void {
    this.#closed = true;
    for (const controller of this.#open) controller.abort();
  }
}
