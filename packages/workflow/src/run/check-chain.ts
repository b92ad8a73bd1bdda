import { idempotencyKey } from "@holdfast/idempotency";
import {
  type ChainFinding,
  type ChainReport,
  type Command,
  type LedgerRecord,
  readLedger,
} from "@holdfast/ledger";
import type { Store } from "@holdfast/storage";
import type { RunState } from "@holdfast/task-store";
import { messageOf } from "../unknown-value.ts";
import { problemOfHead } from "./ledger-head.ts";
import type { RunFinding } from "./run-finding.ts";

const CHAIN_MEANING: Readonly<Record<ChainFinding["kind"], string>> = {
  edited: "Somebody changed this line after it was written; what it says cannot be trusted.",
  removed: "Lines that stood before this one are gone.",
  inserted: "The ledger never wrote this line.",
  reordered: "This line was written at another place.",
  late_write:
    "A process that had lost the run wrote this line; what it says may contradict the lines around it.",
  respelled: "The line says the same in other characters: something wrote the file again.",
  not_json: "The line cannot be read.",
  invalid: "The line is no message of a ledger.",
  unreadable: "The store cannot give the line; holdfast repair mends a torn end.",
  truncated:
    "The end of the ledger is gone: acknowledged lines were removed. Restore the file; the run must not go on from here.",
};

/** What is wrong with the ledger's chain and its end; tells each record on the way. */
export async function checkChain(
  store: Store,
  state: RunState,
  options: { readonly signal: AbortSignal | undefined; readonly onRecord: (record: LedgerRecord) => void },
): Promise<{ readonly findings: RunFinding[]; readonly isReadable: boolean }> {
  const { signal, onRecord } = options;
  const expectedMessageIds = [state.last_command_id, state.last_event_id].filter((id) => id !== undefined);
  const ledger = readLedger(store, state.run_id);
  const report = await ledger.verifyChain({
    expectedMessageIds,
    onRecord,
    ...(signal === undefined ? {} : { signal }),
  });
  const findings = report.findings.map(
    (finding): RunFinding => ({
      severity: "error",
      kind: "chain",
      place: finding.place,
      line: finding.position,
      message: `${finding.kind}: ${finding.message}`,
      meaning: CHAIN_MEANING[finding.kind],
    }),
  );
  const head = findings.some(({ message }) => message.startsWith("truncated"))
    ? undefined
    : await problemOfHead(ledger, state);
  if (head !== undefined) {
    findings.push({
      severity: "error",
      kind: "chain",
      place: store.locate({ log: `runs/${state.run_id}/ledger`, position: head.seq }),
      line: head.seq,
      message: `${head.kind}: ${head.message}`,
      meaning:
        head.kind === "truncated"
          ? CHAIN_MEANING.truncated
          : "The ledger was written anew, with a chain of its own: it is not this run's.",
    });
  }
  if (report.unchainedLines > 0) {
    findings.push({
      severity: "warning",
      kind: "chain",
      place: store.locate({ log: `runs/${state.run_id}/ledger` }),
      message: `${report.unchainedLines} lines carry no chain`,
      meaning: "They were written elsewhere: a change of them cannot be found.",
    });
  }
  return { findings, isReadable: report.readable === report.lines && !hidesLines(report) };
}

/** Whether the store could not give a line: what comes after it was not seen at all. */
function hidesLines({ findings }: ChainReport): boolean {
  return findings.some(({ kind }) => kind === "unreadable");
}

/** Whether a command's key is the one of its work. */
export function checkKey(store: Store, runId: string, record: LedgerRecord, command: Command): RunFinding[] {
  const { action, task_id, inputs, expected_outputs, version } = command;
  let expected: string;
  try {
    expected = idempotencyKey({
      action,
      task_id,
      snapshot_id: version.snapshot_id,
      inputs,
      expected_outputs,
    });
  } catch (error) {
    expected = `none (${messageOf(error)})`;
  }
  if (expected === command.idempotency_key) return [];
  return [
    {
      severity: "error",
      kind: "key",
      place: store.locate({ log: `runs/${runId}/ledger`, position: record.seq }),
      line: record.seq,
      message: `the command's key is ${command.idempotency_key}, computed again it is ${expected}`,
      meaning: "The key does not stand for this work: the command was changed, or written by something else.",
    },
  ];
}
