import { type Store, StoreDamagedError } from "@holdfast/storage";
import { ChainCheck, type ChainFindingKind, type Found } from "./chain-check.ts";
import { type ChainLine, readChainLine } from "./chain-line.ts";
import type { LedgerRecord } from "./record.ts";

/** Options of `verifyChain`. */
export interface VerifyChainOptions {
  readonly signal?: AbortSignal;
  /** Ids of messages that must be there, such as the last ones a run state names: a chain cannot see that its end is cut off. */
  readonly expectedMessageIds?: readonly string[];
  /** Findings to report at most, default 100; the rest are counted. */
  readonly maxFindings?: number;
  /**
   * Seq and chain of a line that is known to be right, such as an earlier report's `head`: only the lines after it are followed, and
   * that it still stands there is checked first. What is before it, its own content included, is not looked at.
   */
  readonly after?: { readonly seq: number; readonly chain: string };
  /**
   * Told of each record as it goes by, so that who needs both reads the ledger once: in order, as `replay()` gives them, and no more
   * after the first line that `replay()` would not give. Whether the record is to be trusted is known from the report.
   */
  readonly onRecord?: (record: LedgerRecord) => void;
}

/** Something wrong with a ledger. */
export interface ChainFinding {
  /**
   * - `edited`: the line is not what was written. `removed`: lines are missing before this one. `inserted`: the line was never
   *   written by the ledger. `reordered`: the line stands in another's place.
   * - `late_write`: written by a holder that had been fenced off. `respelled`: says the same in other characters.
   * - `not_json`, `invalid`: not JSON; no message. `unreadable`: the store cannot give it. `truncated`: the end is missing.
   */
  readonly kind: ChainFindingKind;
  /** Line, from 1. */
  readonly position: number;
  /** The line for people: on files the path and line. */
  readonly place: string;
  readonly message: string;
}

/** What became of a verification. */
export interface ChainReport {
  /** No findings. A ledger that was written elsewhere, without a chain, is all right as far as can be seen. */
  readonly ok: boolean;
  readonly lines: number;
  /** Lines up to the first that `replay()` would not give: all of them in a ledger that can be read. */
  readonly readable: number;
  /** Lines at the beginning that carry no chain; all of them in a ledger that was written elsewhere. */
  readonly unchainedLines: number;
  /** Seq and chain of the last line: kept elsewhere, they prove later that nothing was cut off or written anew. */
  readonly head: { readonly seq: number; readonly chain: string } | undefined;
  /** By line. The first is the first bad line. */
  readonly findings: readonly ChainFinding[];
  /** Findings beyond `maxFindings`. */
  readonly more: number;
}

/** Reads a log once and follows its chain; memory does not grow with its length. */
export async function verifyLog(
  store: Store,
  key: string,
  options: VerifyChainOptions = {},
): Promise<ChainReport> {
  const { signal, maxFindings = 100, after, onRecord } = options;
  const found: Found[] = [];
  let more = 0;
  const report = (finding: Found): void => {
    if (found.length < maxFindings) found.push(finding);
    else more += 1;
  };
  const wanted = new Set(options.expectedMessageIds);
  const from = after?.seq ?? 1;
  let check = new ChainCheck(report);
  let lines = 0;
  let readable = 0;
  const take = (line: ChainLine): void => {
    check.next(line);
    if (readable !== line.position - 1) return;
    const record = recordOf(line);
    if (record === undefined) return;
    readable = line.position;
    onRecord?.(record);
  };
  try {
    const readOptions = signal === undefined ? { from } : { from, signal };
    for await (const { position, text } of store.logs.read(key, readOptions)) {
      const line = readChainLine(text, position);
      lines = position;
      if (position === after?.seq) {
        if (line.envelope?.seq !== position || line.envelope.chain !== after.chain) {
          report({ kind: "edited", position, message: "it is not the line that is known to stand here" });
          break;
        }
        check = new ChainCheck(report, line.envelope);
        readable = position;
      } else take(line);
      if (wanted.size > 0) forget(wanted, line, text);
    }
    if (lines < from && after !== undefined)
      report({
        kind: "truncated",
        position: from,
        message: `line ${from} is known, but is not in the ledger`,
      });
    check.finish();
  } catch (error) {
    if (!(error instanceof StoreDamagedError)) throw error;
    check.finish();
    const position = error.line ?? lines + 1;
    report({
      kind: "unreadable",
      position,
      message: `${error.message}; nothing after it could be checked`,
    });
  }
  for (const id of wanted) {
    report({
      kind: "truncated",
      position: lines + 1,
      message: `message "${id}" is known elsewhere, but is not in the ledger`,
    });
  }
  const findings = found
    .toSorted((a, b) => a.position - b.position)
    .map(({ kind, position, message }) => ({
      kind,
      position,
      place: store.locate({ log: key, position }),
      message,
    }));
  return {
    ok: findings.length + more === 0,
    lines,
    readable,
    unchainedLines: check.unchained,
    head: check.head,
    findings,
    more,
  };
}

/** The record in a line, as `replay()` gives it; `undefined` where that fails. */
function recordOf({ position, envelope, message, problem }: ChainLine): LedgerRecord | undefined {
  if (message === undefined || problem !== undefined) return undefined;
  if (envelope === undefined) return { seq: position, fence: undefined, chain: undefined, message };
  return envelope.seq === position ? { ...envelope, message } : undefined;
}

/** Takes a line's message id out of the set. A line that is no message can have one too: its text is searched first, for few are worth parsing again. */
function forget(wanted: Set<string>, { message }: ChainLine, text: string): void {
  if (message !== undefined) {
    if ("message_id" in message && typeof message.message_id === "string") wanted.delete(message.message_id);
    return;
  }
  for (const id of wanted) {
    if (!text.includes(JSON.stringify(id))) continue;
    try {
      const line: { readonly message_id?: unknown } | null = JSON.parse(text);
      if (line?.message_id === id) wanted.delete(id);
    } catch {
      // Not JSON: reported as such.
    }
  }
}
