/** How a search is limited. */
export interface SearchLimits {
  /** The last position to look at. */
  readonly to?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Brings what is asked up to date, and answers. */
export type Answer = <T>(limits: SearchLimits, work: () => T) => Promise<T>;

interface Question {
  readonly limits: SearchLimits;
  readonly work: () => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Questions are answered one after the other; but those that were asked before the first of them is looked into are answered together:
 * a page and its total are of the same state of a log, and its files are looked at once.
 */
export class QuestionQueue {
  readonly #answer: Answer;
  #asked: Question[] = [];
  #turn: Promise<void> = Promise.resolve();

  constructor(answer: Answer) {
    this.#answer = answer;
  }

  ask<T>(limits: SearchLimits, work: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#asked.push({ limits, work, resolve: (value) => resolve(value as T), reject });
      if (this.#asked.length === 1) this.#turn = this.#turn.then(() => this.#next());
    });
  }

  /** Resolves when what was asked is answered. */
  rest(): Promise<void> {
    return this.#turn;
  }

  async #next(): Promise<void> {
    const asked = this.#asked;
    this.#asked = [];
    for (const ofSignal of Map.groupBy(asked, ({ limits }) => limits.signal).values()) {
      for (const alike of Map.groupBy(ofSignal, ({ limits }) => limits.to).values())
        await this.#together(alike);
    }
  }

  async #together(questions: readonly Question[]): Promise<void> {
    const [first] = questions;
    if (first === undefined) return;
    try {
      const answers = await this.#answer(first.limits, () => questions.map(({ work }) => work()));
      for (const [index, { resolve }] of questions.entries()) resolve(answers[index]);
    } catch (error) {
      if (questions.length === 1) first.reject(error);
      // None fails for the reasons of another.
      else for (const each of questions) await this.#together([each]);
    }
  }
}
