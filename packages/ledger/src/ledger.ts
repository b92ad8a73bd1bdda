import type { Clock, Fence } from "@holdfast/storage";
import type { LogMessage, MessageInput } from "./message.ts";
import type { LedgerReader, ReadLedgerOptions } from "./read-ledger.ts";
import type { LedgerRecord } from "./record.ts";

/** Options of `openLedger`. */
export interface OpenLedgerOptions extends ReadLedgerOptions {
  /** The claim of the run. Its token is written into every line, and the store refuses writes once somebody else holds the run. */
  readonly fence?: Fence;
  /** Longest message in bytes of UTF-8 with its newline, before the ledger's own fields are added; default 262,144. */
  readonly maxMessageBytes?: number;
  /** Where `log()` takes the time from; default the system's clock. */
  readonly clock?: Clock;
}

/** A ledger to write to. */
export interface Ledger extends LedgerReader, AsyncDisposable {
  /** The last line that was acknowledged: its place (0 in an empty ledger) and its chain. */
  readonly head: { readonly seq: number; readonly chain: string };
  /**
   * Appends a message. Calls may overlap: lines stand in the order of the calls, and those that wait share one write and one sync.
   *
   * When it resolves, the line is on stable storage. A message that is refused (`LEDGER_MESSAGE`, `LEDGER_MESSAGE_TOO_LARGE`) leaves
   * no trace. After a write that failed nobody knows what is stored: this and every later append rejects; open the ledger again.
   *
   * @throws {LedgerError} `LEDGER_MESSAGE`, `LEDGER_MESSAGE_TOO_LARGE`, `LEDGER_FENCED`, `LEDGER_CONFLICT`, `LEDGER_FAILED`, `LEDGER_CLOSED`.
   */
  append(message: MessageInput): Promise<LedgerRecord>;
  /** Appends a remark with the present time. */
  log(
    level: LogMessage["level"],
    message: string,
    fields?: Readonly<Record<string, unknown>>,
  ): Promise<LedgerRecord>;
  /** Waits for the appends that are under way. Closing twice is fine. */
  close(): Promise<void>;
}
