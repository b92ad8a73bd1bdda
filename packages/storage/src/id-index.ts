const IDS = /"(?:message_id|event_id)"\s*:\s*("(?:[^"\\]|\\.)*")/g;

/** What may be an id of a line, found without parsing it: never fewer than there are, sometimes more. */
export function possibleIds(text: string): string[] {
  const ids: string[] = [];
  for (const [, quoted = '""'] of text.matchAll(IDS)) {
    if (!quoted.includes("\\")) {
      ids.push(quoted.slice(1, -1));
      continue;
    }
    try {
      const id: unknown = JSON.parse(quoted);
      if (typeof id === "string") ids.push(id);
    } catch {
      // no JSON, no id
    }
  }
  return ids;
}

/**
 * At which positions of a log an id may be, in eight bytes for each id (and as much again for room): of the id only a hash is kept,
 * so that whoever asks looks at the lines.
 */
export class IdIndex {
  #slots = new Uint32Array(2_048);
  #count = 0;

  add(id: string, position: number): void {
    if (this.#count * 4 >= this.#slots.length) this.#grow(); // at most half of the pairs are taken
    this.#insert(hashOf(id), position);
    this.#count += 1;
  }

  /** Positions whose ids have the same hash, in no order. */
  *candidates(id: string): Generator<number> {
    const hash = hashOf(id);
    const mask = this.#slots.length - 1;
    for (let at = (hash * 2) & mask; this.#slots[at] !== 0; at = (at + 2) & mask) {
      if (this.#slots[at] === hash) yield this.#slots[at + 1] ?? 0;
    }
  }

  #insert(hash: number, position: number): void {
    const mask = this.#slots.length - 1;
    let at = (hash * 2) & mask;
    while (this.#slots[at] !== 0) {
      if (this.#slots[at] === hash && this.#slots[at + 1] === position) return;
      at = (at + 2) & mask;
    }
    this.#slots[at] = hash;
    this.#slots[at + 1] = position;
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Uint32Array(old.length * 2);
    for (let at = 0; at < old.length; at += 2) {
      const hash = old[at] ?? 0;
      if (hash !== 0) this.#insert(hash, old[at + 1] ?? 0);
    }
  }
}

/** FNV-1a of the code units, never 0: that marks a free slot. */
function hashOf(id: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < id.length; at += 1) hash = Math.imul(hash ^ id.charCodeAt(at), 0x01000193);
  hash ^= hash >>> 15; // the low bits choose the slot
  return hash >>> 0 || 1;
}
