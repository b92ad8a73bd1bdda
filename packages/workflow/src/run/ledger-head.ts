import { LedgerError, type LedgerReader } from "@holdfast/ledger";
import type { RunState } from "@holdfast/task-store";
import * as z from "zod";

const headSchema = z.object({ seq: z.int().min(1), chain: z.string() });

/** The last line of the ledger when a run state was written: what a chain alone cannot prove, that its end is there and was not written anew. */
interface LedgerHead {
  readonly seq: number;
  readonly chain: string;
}

/** The head that a run state keeps; `undefined` in a state that was written elsewhere. */
export function headOf(state: RunState): LedgerHead | undefined {
  const head = headSchema.safeParse(state["ledger_head"]);
  return head.success ? head.data : undefined;
}

/** Why a ledger is not the one that a run state was written for; `undefined` when it is, or when a line that cannot be read hides it. */
export async function problemOfHead(
  ledger: Pick<LedgerReader, "replay">,
  state: RunState,
): Promise<
  { readonly kind: "truncated" | "rewritten"; readonly seq: number; readonly message: string } | undefined
> {
  const head = headOf(state);
  if (head === undefined) return undefined;
  const { seq } = head;
  try {
    for await (const record of ledger.replay({ from: seq })) {
      if (record.chain === head.chain) return undefined;
      return {
        kind: "rewritten",
        seq,
        message: `line ${seq} is not the one that stood there when the run state was written`,
      };
    }
  } catch (error) {
    if (error instanceof LedgerError) return undefined;
    throw error;
  }
  return {
    kind: "truncated",
    seq,
    message: `line ${seq} stood in the ledger when the run state was written, and is gone`,
  };
}
