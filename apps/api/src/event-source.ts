/** Media type of server-sent events. */
export const EVENT_STREAM_TYPE = "text/event-stream";

/** One message to a client of server-sent events. */
export interface SentMessage {
  /** What the client sends back as `Last-Event-ID`. */
  readonly id?: string;
  /** A name other than `message`. */
  readonly event?: string;
  readonly data: string;
}

/** Options of {@link eventSourceBody}. */
export interface EventSourceOptions {
  /** A comment is sent when there was nothing to say for that long: proxies keep the connection, and a vanished client is noticed. */
  readonly heartbeatMs: number;
  /** Looked at with each heartbeat; a message ends the stream. */
  readonly check: () => Promise<SentMessage | undefined>;
  /** What a client is told when the messages end with an error. */
  readonly onError: (error: unknown) => SentMessage;
  /** Called once, when the stream is over for whatever reason. */
  readonly onEnd: () => void;
}

/**
 * The body of a stream of server-sent events: messages are taken one at a time, and only when the client has taken those
 * before, so that a client that never reads costs no memory.
 *
 * @see {@link https://html.spec.whatwg.org/multipage/server-sent-events.html | HTML: server-sent events}
 */
export function eventSourceBody(
  messages: AsyncIterable<SentMessage>,
  options: EventSourceOptions,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const source = new Waiting(messages[Symbol.asyncIterator]());
  let ended = false;
  const end = (): void => {
    if (ended) return;
    ended = true;
    options.onEnd();
  };
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        // A first word at once: proxies and clients then know that the stream is open.
        controller.enqueue(encoder.encode("retry: 1000\n\n"));
      },
      async pull(controller) {
        const send = (text: string): void => {
          // The client may have gone while something was looked up.
          if (!ended) controller.enqueue(encoder.encode(text));
        };
        try {
          const next = await source.next(options.heartbeatMs);
          if (next === "nothing") {
            const last = ended ? undefined : await options.check();
            send(last === undefined ? ": waiting\n\n" : frameOf(last));
            if (last === undefined) return;
          } else if (next.done !== true) {
            send(frameOf(next.value));
            return;
          }
        } catch (error) {
          send(frameOf(options.onError(error)));
        }
        if (ended) return;
        end();
        controller.close();
        await source.close();
      },
      async cancel() {
        end();
        await source.close();
      },
    },
    { highWaterMark: 0 },
  );
}

/** An iterator that is waited for only so long at a time; what arrives later is kept for the next time. */
class Waiting<T> {
  readonly #iterator: AsyncIterator<T>;
  #asked = false;
  #result: IteratorResult<T> | undefined;
  #failure: { readonly error: unknown } | undefined;
  #wake: () => void = () => {};

  constructor(iterator: AsyncIterator<T>) {
    this.#iterator = iterator;
  }

  async next(waitMs: number): Promise<IteratorResult<T> | "nothing"> {
    if (!this.#asked) this.#ask();
    if (this.#result === undefined && this.#failure === undefined) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, waitMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    if (this.#failure !== undefined) throw this.#failure.error;
    if (this.#result === undefined) return "nothing";
    const result = this.#result;
    this.#result = undefined;
    this.#asked = false;
    return result;
  }

  async close(): Promise<void> {
    this.#wake();
    await this.#iterator.return?.();
  }

  #ask(): void {
    this.#asked = true;
    void this.#take();
  }

  async #take(): Promise<void> {
    try {
      this.#result = await this.#iterator.next();
    } catch (error) {
      this.#failure = { error };
    }
    this.#wake();
  }
}

function frameOf({ id, event, data }: SentMessage): string {
  // An id with a line end or NUL cannot be said.
  const name = id === undefined || /[\r\n\0]/.test(id) ? "" : `id: ${id}\n`;
  const kind = event === undefined ? "" : `event: ${event}\n`;
  return `${name}${kind}data: ${data.replaceAll(/\r\n|\r|\n/g, "\ndata: ")}\n\n`;
}
