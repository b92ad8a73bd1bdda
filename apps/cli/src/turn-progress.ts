import type { Context } from "./context.ts";
import { ProgressLine } from "./progress.ts";
import { formatDuration } from "./table.ts";

/** Between two lines where stderr is no terminal: turns of a fast engine are thousands a second. */
const LINE_EVERY_MS = 250;

/** A turn that is durable, and what is told of it. */
export interface ToldTurn {
  readonly turn: number;
  readonly maxTurns: number;
  /** Name of the checkpoint that stays, where one was due. */
  readonly kept?: string | undefined;
}

/** Tells how far a simulation is: one line that changes on a terminal, elsewhere a line now and then. */
export class TurnProgress {
  readonly #context: Context;
  readonly #live: ProgressLine;
  readonly #began: number;
  /** The first turn that was told, and when: what came before it is start-up. */
  #first: { readonly turn: number; readonly at: number } | undefined;
  #toldAt = Number.NEGATIVE_INFINITY;

  constructor(context: Context, now: number = performance.now()) {
    this.#context = context;
    this.#live = new ProgressLine(context);
    this.#began = now;
  }

  /** Tells of a turn, unless one was told of a moment ago. */
  turn(told: ToldTurn, now: number = performance.now()): void {
    this.#first ??= { turn: told.turn, at: now };
    if (this.#context.err.isTerminal) {
      this.#live.update(this.#text(told, now));
      return;
    }
    if (now - this.#toldAt < LINE_EVERY_MS) return;
    this.#toldAt = now;
    void this.#context.note(this.#text(told, now));
  }

  /** A line that stays, above the one that changes. */
  remark(text: string): void {
    this.#live.clear();
    void this.#context.note(text);
  }

  clear(): void {
    this.#live.clear();
  }

  #text({ turn, maxTurns, kept }: ToldTurn, now: number): string {
    const { turn: first, at } = this.#first ?? { turn, at: now };
    const left =
      turn > first && turn < maxTurns
        ? `, about ${formatDuration(((now - at) / (turn - first)) * (maxTurns - turn))} left`
        : "";
    const checkpoint = kept === undefined ? "" : `, kept ${kept}`;
    return `  turn ${String(turn).padStart(String(maxTurns).length)} of ${maxTurns}${checkpoint}, ${formatDuration(now - this.#began)}${left}`;
  }
}
