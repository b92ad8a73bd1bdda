import {
  type Clock,
  type Fence,
  formatTimestamp,
  type Store,
  StoreError,
  systemClock,
} from "@holdfast/storage";
import { chainAfter } from "./chain.ts";
import { checkMessage, refuseProtoKey } from "./check-message.ts";
import { canonical, refuseOversize, stringify } from "./encode-message.ts";
import { LedgerError } from "./errors.ts";
import type { Ledger, OpenLedgerOptions } from "./ledger.ts";
import { MAX_MESSAGE_BYTES } from "./limits.ts";
import type { LogMessage, MessageInput } from "./message.ts";
import { messageOf } from "./message-of.ts";
import type { LedgerReader } from "./read-ledger.ts";
import { type LedgerRecord, toLine } from "./record.ts";

/** Where a ledger ends: place, chain and fence of its last line. */
export interface Head {
  readonly seq: number;
  readonly chain: string;
  readonly fence: number;
}

/** A record that this writer made: it always has a chain. */
interface Appended extends LedgerRecord {
  readonly chain: string;
}

interface Waiting {
  readonly text: string;
  readonly record: Appended;
  readonly resolve: (record: LedgerRecord) => void;
  readonly reject: (error: LedgerError) => void;
}

/** More than the ledger's own fields take in a line. */
const ENVELOPE_BYTES = 256;

/** Lines and UTF-16 units of one batch: what a store gets at once stays small, however many callers wait. */
const BATCH_LINES = 4_096;
const BATCH_LENGTH = 4 * 1024 * 1024;

/** Appends to one ledger, in the order of the calls. */
export class LedgerWriter implements Ledger {
  readonly runId: string;
  readonly replay: LedgerReader["replay"];
  readonly summarize: LedgerReader["summarize"];
  readonly verifyChain: LedgerReader["verifyChain"];
  readonly #store: Store;
  readonly #key: string;
  readonly #token: number;
  readonly #fence: Fence | undefined;
  readonly #clock: Clock;
  readonly #maxBytes: number;
  #seq: number;
  #chain: string;
  #acknowledged: { readonly seq: number; readonly chain: string };
  #waiting: Waiting[] = [];
  #flushing: Promise<void> | undefined;
  #failure: LedgerError | undefined;
  #closed = false;

  constructor(
    store: Store,
    key: string,
    token: number,
    head: Head,
    reader: LedgerReader,
    options: OpenLedgerOptions,
  ) {
    this.runId = reader.runId;
    this.replay = (replayOptions) => reader.replay(replayOptions);
    this.summarize = (summarizeOptions) => reader.summarize(summarizeOptions);
    this.verifyChain = (verifyOptions) => reader.verifyChain(verifyOptions);
    this.#store = store;
    this.#key = key;
    this.#token = token;
    this.#fence = options.fence;
    this.#clock = options.clock ?? systemClock;
    this.#maxBytes = Math.min(
      options.maxMessageBytes ?? MAX_MESSAGE_BYTES,
      store.capabilities.maxText - ENVELOPE_BYTES,
    );
    this.#seq = head.seq;
    this.#chain = head.chain;
    this.#acknowledged = { seq: head.seq, chain: head.chain };
  }

  get head(): { readonly seq: number; readonly chain: string } {
    return this.#acknowledged;
  }

  append(message: MessageInput): Promise<LedgerRecord> {
    return new Promise((resolve, reject) => {
      this.#refuseWhenUnusable();
      const { text, record } = this.#encode(message);
      // From here on the line has its place. Nothing between here and the queue can fail.
      this.#seq = record.seq;
      this.#chain = record.chain;
      this.#waiting.push({ text, record, resolve, reject });
      this.#flushing ??= this.#flush();
    });
  }

  log(
    level: LogMessage["level"],
    message: string,
    fields?: Readonly<Record<string, unknown>>,
  ): Promise<LedgerRecord> {
    const timestamp = formatTimestamp(this.#clock());
    return this.append({
      kind: "log",
      level,
      message,
      ...(fields === undefined ? {} : { fields }),
      timestamp,
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#flushing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #refuseWhenUnusable(): void {
    if (this.#closed) {
      const path = this.#store.locate({ log: this.#key });
      throw new LedgerError(
        "LEDGER_CLOSED",
        `Cannot append to ledger "${path}": it is closed; open it again`,
        { path },
      );
    }
    if (this.#failure !== undefined) {
      const { path } = this.#failure;
      throw new LedgerError(
        "LEDGER_FAILED",
        `Cannot append to ledger "${path}": an append before this one failed (${this.#failure.code}); open it again to go on from what is stored`,
        { path, cause: this.#failure },
      );
    }
  }

  #encode(message: MessageInput): { readonly text: string; readonly record: Appended } {
    const checked = checkMessage(message, "append");
    const seq = this.#seq + 1;
    const { text: canonicalLine, value: line } = canonical(toLine(message, seq, this.#token), "append");
    const open = stringify(line, "append");
    refuseProtoKey(open, "append");
    const added =
      `,"seq":${seq},"fence":${this.#token}`.length +
      (Object.hasOwn(line, "agent_seq") ? "agent_".length : 0);
    refuseOversize(Buffer.byteLength(open) - added + 1, this.#maxBytes, "append");
    const chain = chainAfter(this.#chain, canonicalLine);
    return {
      text: `${open.slice(0, -1)},"chain":"${chain}"}`,
      record: { seq, fence: this.#token, chain, message: checked },
    };
  }

  /** One batch at a time: the next one gathers while this one is synced. */
  async #flush(): Promise<void> {
    // Calls of the same tick go into the first batch together.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const batch = this.#takeBatch();
      try {
        await this.#write(batch);
      } catch (error) {
        this.#fail(error, batch);
        break;
      }
      for (const { record, resolve } of batch) resolve(record);
    }
    this.#flushing = undefined;
  }

  #takeBatch(): readonly Waiting[] {
    let length = 0;
    let count = 0;
    for (const { text } of this.#waiting) {
      if (count === BATCH_LINES || (count > 0 && length + text.length > BATCH_LENGTH)) break;
      length += text.length;
      count += 1;
    }
    if (count === this.#waiting.length) {
      const all = this.#waiting;
      this.#waiting = [];
      return all;
    }
    return this.#waiting.splice(0, count);
  }

  async #write(batch: readonly Waiting[]): Promise<void> {
    const expected = this.#acknowledged.seq;
    const { position } = await this.#store.logs.append(
      this.#key,
      batch.map(({ text }) => ({ text })),
      this.#fence === undefined ? { expected } : { expected, fence: this.#fence },
    );
    const last = batch.at(-1)?.record;
    if (last?.seq !== position) throw new Error(`the store put the line at ${position}, not at ${last?.seq}`);
    this.#acknowledged = { seq: last.seq, chain: last.chain };
  }

  #fail(cause: unknown, batch: readonly Waiting[]): void {
    const path = this.#store.locate({ log: this.#key });
    const reason = messageOf(cause);
    const code = codeOf(cause);
    this.#failure = new LedgerError(code, `Cannot append to ledger "${path}": ${reason}`, { path, cause });
    for (const { reject } of batch) reject(this.#failure);
    for (const { reject } of this.#waiting) reject(this.#failure);
    this.#waiting = [];
  }
}

function codeOf(cause: unknown): "LEDGER_FENCED" | "LEDGER_CONFLICT" | "LEDGER_FAILED" {
  const code = cause instanceof StoreError ? cause.code : undefined;
  if (code === "STORE_FENCED") return "LEDGER_FENCED";
  return code === "STORE_CONFLICT" ? "LEDGER_CONFLICT" : "LEDGER_FAILED";
}
