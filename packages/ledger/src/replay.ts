import { type Store, StoreDamagedError } from "@holdfast/storage";
import { LedgerError } from "./errors.ts";
import { type LedgerRecord, LineError, toRecord } from "./record.ts";

/** Options of `replay`. */
export interface ReplayOptions {
  /** Place of the first line to read, default 1. */
  readonly from?: number;
  readonly signal?: AbortSignal;
}

/** The records of a ledger, in order, one at a time. */
export async function* replayLog(
  store: Store,
  key: string,
  options: ReplayOptions = {},
): AsyncGenerator<LedgerRecord, void, undefined> {
  const { from = 1, signal } = options;
  if (!Number.isSafeInteger(from) || from < 1)
    throw new RangeError(`from must be a positive integer, not ${from}`);
  try {
    for await (const { position, text } of store.logs.read(
      key,
      signal === undefined ? { from } : { from, signal },
    )) {
      yield recordAt(store, key, position, text);
    }
  } catch (error) {
    throw asDamage(store, key, error);
  }
}

/** The record in a line, or `LEDGER_DAMAGED` with the place. */
export function recordAt(store: Store, key: string, position: number, text: string): LedgerRecord {
  try {
    return toRecord(text, position);
  } catch (error) {
    if (!(error instanceof LineError)) throw error;
    throw damagedLine(store, key, position, error.message, error);
  }
}

export function damagedLine(
  store: Store,
  key: string,
  position: number,
  reason: string,
  cause?: unknown,
): LedgerError {
  const path = store.locate({ log: key, position });
  return new LedgerError(
    "LEDGER_DAMAGED",
    `Cannot read ledger line ${position} at "${path}": ${reason}; run holdfast verify`,
    {
      path,
      position,
      cause,
    },
  );
}

/** A store's report of damage in our words, anything else as it is. */
export function asDamage(store: Store, key: string, error: unknown): unknown {
  if (!(error instanceof StoreDamagedError)) return error;
  const { line: position, path = store.locate({ log: key }) } = error;
  return new LedgerError("LEDGER_DAMAGED", `Cannot read ledger "${path}": ${error.message}`, {
    path,
    ...(position === undefined ? {} : { position }),
    cause: error,
  });
}
