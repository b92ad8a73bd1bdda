/** Remembers the last so many ids, or somewhat more. */
export class RecentIds {
  readonly #half: number;
  #new = new Set<string>();
  #old = new Set<string>();

  constructor(count: number) {
    this.#half = count;
  }

  add(id: string): void {
    this.#new.add(id);
    if (this.#new.size < this.#half) return;
    this.#old = this.#new;
    this.#new = new Set();
  }

  has(id: string): boolean {
    return this.#new.has(id) || this.#old.has(id);
  }
}
