import type { Store } from "@holdfast/storage";
import { ledgerKey } from "./ledger-key.ts";
import type { LedgerRecord } from "./record.ts";
import { type ReplayOptions, replayLog } from "./replay.ts";
import { type LedgerSummary, type SummarizeOptions, summarizeRecords } from "./summarize.ts";
import { TERMINAL_EVENTS } from "./terminal-events.ts";
import { type ChainReport, type VerifyChainOptions, verifyLog } from "./verify-chain.ts";

/** Options of {@link readLedger}. */
export interface ReadLedgerOptions {
  /** Names of events that settle a command, besides {@link TERMINAL_EVENTS}. */
  readonly terminalEvents?: readonly string[];
}

/** What can be asked of a ledger without being its writer. */
export interface LedgerReader {
  readonly runId: string;
  /**
   * The records, in order, from the first or from a place; constant memory.
   *
   * It ends where the ledger ends when it gets there. The chain is not verified, only that each line can be read and stands in its place.
   *
   * @throws {LedgerError} `LEDGER_DAMAGED` at the first line that cannot be read.
   */
  replay(options?: ReplayOptions): AsyncGenerator<LedgerRecord, void, undefined>;
  /** Reads the ledger once and says what is pending, what was settled, and who was heard last. */
  summarize(options?: SummarizeOptions): Promise<LedgerSummary>;
  /** Reads the ledger once and finds what was edited, removed, inserted or put in another order. Damage is a finding, not an error. */
  verifyChain(options?: VerifyChainOptions): Promise<ChainReport>;
}

/**
 * A ledger to read from, beside its writer if there is one. Nothing is opened until something is asked, and there is nothing to close.
 *
 * @param store - Where the run lives.
 * @param runId - Id of the run; a run without a ledger reads as an empty one.
 * @param options - `terminalEvents`: what a workflow config declares.
 */
export function readLedger(store: Store, runId: string, options: ReadLedgerOptions = {}): LedgerReader {
  const key = ledgerKey(runId);
  const terminalEvents = new Set([...TERMINAL_EVENTS, ...(options.terminalEvents ?? [])]);
  const replay = (replayOptions?: ReplayOptions): AsyncGenerator<LedgerRecord, void, undefined> =>
    replayLog(store, key, replayOptions);
  return {
    runId,
    replay,
    summarize: (summarizeOptions = {}) => {
      const { signal } = summarizeOptions;
      return summarizeRecords(
        replay(signal === undefined ? {} : { signal }),
        terminalEvents,
        summarizeOptions,
      );
    },
    verifyChain: (verifyOptions) => verifyLog(store, key, verifyOptions),
  };
}
