import type { Store } from "@holdfast/storage";
import { GENESIS_CHAIN } from "./chain.ts";
import { LedgerError } from "./errors.ts";
import type { Ledger, OpenLedgerOptions } from "./ledger.ts";
import { ledgerKey } from "./ledger-key.ts";
import { type Head, LedgerWriter } from "./ledger-writer.ts";
import { readLedger } from "./read-ledger.ts";
import type { LedgerRecord } from "./record.ts";
import { asDamage, damagedLine, recordAt } from "./replay.ts";

/**
 * Opens the ledger of a run for writing. Reads its last line only, whatever its length.
 *
 * Two writers do not mix: each append names the place it must come at, and carries the fence where one is given. Holding the
 * run's lock is still the caller's business.
 *
 * @param store - Where the run lives.
 * @param runId - Id of the run; its ledger is made by the first append.
 * @throws {LedgerError} `LEDGER_DAMAGED` when the last line cannot be gone on from, `LEDGER_FENCED` when it carries a newer fence.
 */
export async function openLedger(
  store: Store,
  runId: string,
  options: OpenLedgerOptions = {},
): Promise<Ledger> {
  const key = ledgerKey(runId);
  const token = options.fence?.token ?? 0;
  const head = await readHead(store, key);
  if (head.fence > token) {
    const path = store.locate({ log: key });
    throw new LedgerError(
      "LEDGER_FENCED",
      `Cannot open ledger "${path}" for writing: its last line carries fence ${head.fence}, this writer has ${token}; claim the run first`,
      { path },
    );
  }
  return new LedgerWriter(store, key, token, head, readLedger(store, runId, options), options);
}

async function readHead(store: Store, key: string): Promise<Head> {
  const seq = await headOf(store, key);
  if (seq === 0) return { seq: 0, chain: GENESIS_CHAIN, fence: 0 };
  const last = await readOne(store, key, seq);
  if (last.chain !== undefined) return { seq, chain: last.chain, fence: last.fence ?? 0 };
  // Written elsewhere, so far: a chain begins here. But a line without a chain at the end of a chain is damage.
  const first = await readOne(store, key, 1);
  if (first.chain !== undefined)
    throw damagedLine(store, key, seq, "it has no chain, although the ledger began with one");
  return { seq, chain: GENESIS_CHAIN, fence: 0 };
}

async function headOf(store: Store, key: string): Promise<number> {
  try {
    return await store.logs.head(key);
  } catch (error) {
    throw asDamage(store, key, error);
  }
}

async function readOne(store: Store, key: string, position: number): Promise<LedgerRecord> {
  try {
    for await (const line of store.logs.read(key, { from: position })) {
      return recordAt(store, key, line.position, line.text);
    }
  } catch (error) {
    throw asDamage(store, key, error);
  }
  throw damagedLine(store, key, position, "the store counts it, but does not give it");
}
