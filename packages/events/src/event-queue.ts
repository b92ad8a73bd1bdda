import { type LogItem, type Marks, parseTimestamp } from "@holdfast/storage";
import type { EncodedEvent } from "./encode-event.ts";
import type { EventInput } from "./event-input.ts";

interface Marked {
  readonly event_type: string;
  readonly agent_id: string | undefined;
  readonly turn_number: number;
  readonly caused_by: readonly string[] | undefined;
}

/** An event that waits to be written. Its marks are made when an engine asks for them: the file store reads the text instead. */
export class QueuedEvent implements LogItem {
  readonly text: string;
  readonly #encoded: EncodedEvent;
  readonly #event: Marked;

  constructor(encoded: EncodedEvent, { event_type, agent_id, turn_number, caused_by }: EventInput) {
    this.text = encoded.text;
    this.#encoded = encoded;
    const copied = caused_by === undefined ? undefined : [...caused_by];
    this.#event = { event_type, agent_id, turn_number, caused_by: copied };
  }

  get marks(): Marks {
    const { event_type, agent_id, turn_number, caused_by } = this.#event;
    return {
      at: parseTimestamp(this.#encoded.timestamp),
      id: this.#encoded.id,
      type: event_type,
      turn: turn_number,
      ...(agent_id !== undefined && { agent: agent_id }),
      ...(caused_by !== undefined && caused_by.length > 0 && { causes: caused_by }),
    };
  }
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

  /** Forgets what waits. */
  clear(): number {
    const count = this.length;
    this.#items = [];
    this.#first = 0;
    this.size = 0;
    return count;
  }
}
