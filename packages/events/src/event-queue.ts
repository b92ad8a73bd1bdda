import { type LogItem, type Marks, parseTimestamp } from "@holdfast/storage";
import { readStreamEvent } from "./stored-event.ts";

/**
 * An event that waits to be written: its line, and nothing else, for it may wait in a crowd. Its marks are read from it when an engine asks
 * for them; the file store does not.
 */
export class QueuedEvent implements LogItem {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  get marks(): Marks {
    const event = readStreamEvent(this.text);
    if (event === undefined) return {};
    const { event_id, timestamp, event_type, turn_number, agent_id, caused_by } = event;
    return {
      at: parseTimestamp(timestamp),
      id: event_id,
      type: event_type,
      turn: turn_number,
      ...(agent_id !== undefined && { agent: agent_id }),
      ...(caused_by !== undefined && caused_by.length > 0 && { causes: caused_by }),
    };
  }
}

/** A line of the stream's own, which tells of dropped events: nobody emitted it. */
export class DropNotice extends QueuedEvent {}

/** How many of these were emitted by somebody. */
export function emittedAmong(items: readonly QueuedEvent[]): number {
  return items.reduce((count, item) => (item instanceof DropNotice ? count : count + 1), 0);
}

/** First in, first out; taken in batches, bounded by count and by size. */
export class EventQueue {
  #items: QueuedEvent[] = [];
  #first = 0;
  /** UTF-16 units of all lines that wait. */
  size = 0;

  get length(): number {
    return this.#items.length - this.#first;
  }

  push(item: QueuedEvent): void {
    this.#items.push(item);
    this.size += item.text.length;
  }

  take(maxItems: number, maxSize: number): readonly QueuedEvent[] {
    let end = this.#first;
    let size = 0;
    const last = Math.min(this.#items.length, this.#first + maxItems);
    while (end < last && size < maxSize) size += this.#items[end++]?.text.length ?? 0;
    const taken = this.#items.slice(this.#first, end);
    this.size -= size;
    this.#first = end;
    if (end === this.#items.length || end * 2 > this.#items.length) {
      this.#items = this.#items.slice(end);
      this.#first = 0;
    }
    return taken;
  }

  /** Forgets what waits, and says how many of it were emitted by somebody. */
  clear(): number {
    const count = emittedAmong(this.#items.slice(this.#first));
    this.#items = [];
    this.#first = 0;
    this.size = 0;
    return count;
  }
}
