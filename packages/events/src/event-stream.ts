import type { LogAppendOptions, Store } from "@holdfast/storage";
import { EventEncoder } from "./encode-event.ts";
import { EventError } from "./errors.ts";
import { eventIds } from "./event-id.ts";
import type { EventInput } from "./event-input.ts";
import { eventKey } from "./event-key.ts";
import { DropNotice, EventQueue, emittedAmong, QueuedEvent } from "./event-queue.ts";
import { eventTime } from "./event-time.ts";
import { type CheckedStreamOptions, checkStreamOptions, type EventStreamOptions } from "./stream-options.ts";
import { type EventType, keptTypes } from "./verbosity.ts";

// One write of about this much: large enough that its calls cost little, small enough that the queue soon has room again.
const BATCH_EVENTS = 2_048;
const BATCH_SIZE = 512 * 1024;
// A stream that waits takes this many times what its queue holds from a caller who does not wait: one large turn.
const OVERFLOW = 16;

/** What became of the events of a stream. `kept + dropped` is always `emitted`. */
export interface EventStreamStats {
  /** Events given to `emit()` that the level keeps. */
  readonly emitted: number;
  /** Of these, those that are written or wait to be. */
  readonly kept: number;
  /** Of these, those that there was no room for, or that a write failed for. */
  readonly dropped: number;
  /** Events below the level: not counted as emitted. */
  readonly filtered: number;
}

/** Takes the events of one run, and writes them behind the back of whoever emits them. */
export interface EventStream extends AsyncDisposable {
  /**
   * Takes an event and returns at once; what the caller does with it afterwards changes nothing.
   *
   * @returns The id of the event; `undefined` when it is below the level, or was dropped.
   * @throws {EventError} `EVENT_INVALID`, `EVENT_TOO_LARGE`, `EVENT_STREAM_CLOSED`; `EVENT_QUEUE_FULL` when `onFull` is `wait` and the
   *   queue holds 16 times what it should.
   */
  emit(event: EventInput): string | undefined;
  /**
   * Resolves when the queue has room. With `onFull: "wait"` a producer awaits it before it emits (or before each turn, of up to 16
   * queues), and no event is lost.
   *
   * @throws {EventError} `EVENT_WRITE_FAILED`
   */
  ready(): Promise<void>;
  /**
   * Resolves when everything emitted so far is with the store: on files with the operating system, so that it survives `kill -9` of
   * this process.
   *
   * @throws {EventError} `EVENT_WRITE_FAILED`
   */
  drain(): Promise<void>;
  /**
   * Resolves when everything emitted so far is durable, as `store.capabilities.survives` says.
   *
   * @throws {EventError} `EVENT_WRITE_FAILED`
   */
  flush(): Promise<void>;
  readonly stats: EventStreamStats;
  /** Takes nothing more, and resolves when everything is durable. Closing twice is fine; the store stays open. */
  close(): Promise<void>;
}

/**
 * Opens the stream of a run for writing. The first event that is written takes the log's lock.
 *
 * @param runId - Whose stream: the part of the key after `runs/`.
 * @param options - See {@link EventStreamOptions}.
 * @throws {RangeError} For options that cannot be.
 */
export async function openEventStream(
  store: Store,
  runId: string,
  options: EventStreamOptions = {},
): Promise<EventStream> {
  return new QueueingStream(store, runId, checkStreamOptions(options));
}

class QueueingStream implements EventStream {
  readonly #store: Store;
  readonly #key: string;
  readonly #options: CheckedStreamOptions;
  readonly #kept: ReadonlySet<EventType>;
  readonly #encoder: EventEncoder;
  readonly #queue = new EventQueue();
  readonly #append: LogAppendOptions;
  #emitted = 0;
  #dropped = 0;
  #filtered = 0;
  /** Dropped events that the stream does not tell of yet. */
  #untold = 0;
  #turn = 0;
  #pump: Promise<void> | undefined;
  #waiting: (() => void)[] = [];
  #failure: EventError | undefined;
  #closing: Promise<void> | undefined;

  constructor(store: Store, runId: string, options: CheckedStreamOptions) {
    this.#store = store;
    this.#key = eventKey(runId);
    this.#options = options;
    this.#kept = keptTypes(options.verbosity);
    const { clock, newId = eventIds(), durability, rotateBytes, fence } = options;
    this.#encoder = new EventEncoder({ simulationId: runId, time: eventTime(clock), newId });
    this.#append = { durability, whole: false, rotateBytes, ...(fence !== undefined && { fence }) };
  }

  get stats(): EventStreamStats {
    const [emitted, dropped] = [this.#emitted, this.#dropped];
    return { emitted, kept: emitted - dropped, dropped, filtered: this.#filtered };
  }

  emit(event: EventInput): string | undefined {
    if (this.#closing !== undefined) throw this.#closed();
    if (!this.#kept.has(event.event_type) && this.#isFiltered(event)) return undefined;
    const isFull = this.#isFull(1);
    if (isFull && this.#options.onFull === "wait" && this.#isFull(OVERFLOW) && this.#failure === undefined) {
      throw new EventError(
        "EVENT_QUEUE_FULL",
        `Cannot take the event for "${this.#key}": ${this.#queue.length} events wait to be written; await ready() between events`,
        { path: this.#where() },
      );
    }
    if (this.#failure !== undefined || (isFull && this.#options.onFull === "drop")) {
      // One that is wrong is wrong whether there is room or not.
      this.#encoder.encode(event);
      this.#emitted += 1;
      this.#dropped += 1;
      if (this.#failure === undefined) this.#untold += 1;
      return undefined;
    }
    const text = this.#encoder.encode(event);
    this.#checkLength(text);
    this.#queue.push(new QueuedEvent(text));
    this.#emitted += 1;
    this.#turn = event.turn_number;
    this.#pump ??= this.#startPump();
    return this.#encoder.id;
  }

  async ready(): Promise<void> {
    while (this.#failure === undefined && this.#isFull(1)) await this.#progress();
    if (this.#failure !== undefined) throw this.#failure;
  }

  async drain(): Promise<void> {
    await this.#pump;
    if (this.#failure !== undefined) throw this.#failure;
  }

  async flush(): Promise<void> {
    await this.drain();
    if (this.#emitted === this.#dropped) return;
    try {
      await this.#store.logs.sync(this.#key);
    } catch (error) {
      throw this.#fail(error, 0);
    }
  }

  async close(): Promise<void> {
    this.#closing ??= this.flush();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Writes until nothing waits. It starts in a later turn of the event loop, so that a burst of events is one write. */
  async #startPump(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#failure === undefined && (this.#queue.length > 0 || this.#untold > 0)) {
      const batch = this.#queue.take(BATCH_EVENTS, BATCH_SIZE);
      if (this.#untold > 0) this.#tellOfDropped();
      if (batch.length === 0) continue;
      try {
        await this.#store.logs.append(this.#key, batch, this.#append);
      } catch (error) {
        this.#fail(error, emittedAmong(batch));
      }
      this.#wake();
    }
    this.#pump = undefined;
    this.#wake();
  }

  /** There is room again: the stream says how many events it lacks. */
  #tellOfDropped(): void {
    const count = this.#untold;
    this.#untold = 0;
    const event: EventInput = {
      event_type: "SYSTEM",
      turn_number: this.#turn,
      description: `${count} ${count === 1 ? "event was" : "events were"} dropped: the queue was full`,
      details: { status: "dropped", error_type: "queue_full", dropped_events: count },
    };
    this.#queue.push(new DropNotice(this.#encoder.encode(event)));
  }

  #fail(cause: unknown, lost: number): EventError {
    const said = cause instanceof Error ? cause.message : String(cause);
    this.#failure ??= new EventError(
      "EVENT_WRITE_FAILED",
      `Cannot write the events of "${this.#key}": ${said}; open the stream again once that is settled`,
      { path: this.#where(), cause },
    );
    this.#dropped += lost + this.#queue.clear();
    this.#wake();
    return this.#failure;
  }

  #isFiltered(event: EventInput): boolean {
    // An unknown type is wrong at every level.
    if (!keptTypes("DETAIL").has(event.event_type)) this.#encoder.encode(event);
    this.#filtered += 1;
    return true;
  }

  #isFull(times: number): boolean {
    const { queueSize, queueBytes } = this.#options;
    return this.#queue.length >= queueSize * times || this.#queue.size >= queueBytes * times;
  }

  #checkLength(text: string): void {
    const { maxText } = this.#store.capabilities;
    // A UTF-16 unit takes three bytes of UTF-8 at most.
    const bytes = text.length * 3 > maxText ? Buffer.byteLength(text) : 0;
    if (bytes <= maxText) return;
    throw new EventError(
      "EVENT_TOO_LARGE",
      `Cannot take the event for "${this.#key}": its line has ${bytes} bytes, ${maxText} are allowed; keep large content as an object and name it`,
      { path: this.#where() },
    );
  }

  #closed(): EventError {
    return new EventError(
      "EVENT_STREAM_CLOSED",
      `Cannot take the event for "${this.#key}": the stream is closed; open it again`,
      { path: this.#where() },
    );
  }

  #where(): string {
    return this.#store.locate({ log: this.#key });
  }

  #progress(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resume of waiting) resume();
  }
}
