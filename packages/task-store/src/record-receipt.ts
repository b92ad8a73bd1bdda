import { isDeepStrictEqual } from "node:util";
import { type Fence, type Store, StoreConflictError } from "@holdfast/storage";
import { definedFields } from "./defined-fields.ts";
import { ReceiptError } from "./errors.ts";
import { type DocumentReader, damaged, describeIssue, readDocument } from "./read-document.ts";
import { type Receipt, type ReceiptInput, receiptSchema } from "./receipt.ts";
import { checkRunId } from "./run-key.ts";
import { toSealed } from "./to-json.ts";

const READER: DocumentReader<Receipt> = {
  schema: receiptSchema,
  name: "receipt",
  sealed: true,
  error: ({ kind, place, reason, cause }) => {
    const code = kind === "newer" ? "RECEIPT_NEWER_FORMAT" : "RECEIPT_DAMAGED";
    return new ReceiptError(code, `Cannot read receipt "${place}": ${reason}`, { path: place, cause });
  },
};

/** Options of {@link recordReceipt}. */
export interface RecordReceiptOptions {
  /** The claim of the run: the write is refused once somebody else holds it. */
  readonly fence?: Fence;
}

/**
 * Records that a step was done. Durable when it resolves.
 *
 * A receipt is never replaced. The same receipt again is fine, whatever its `created_at`: what stands is returned.
 *
 * @param store - Where the run lives.
 * @param runId - Id of the run.
 * @param receipt - The receipt; fields the schema does not name are kept.
 * @returns The receipt that stands for the step.
 * @throws {ReceiptError} `RECEIPT_INVALID`, `RECEIPT_CONFLICT` when the step has a different receipt, `RECEIPT_DAMAGED` when it has one that cannot be read.
 */
export async function recordReceipt(
  store: Store,
  runId: string,
  receipt: ReceiptInput,
  options: RecordReceiptOptions = {},
): Promise<Receipt> {
  checkRunId(runId);
  const parsed = receiptSchema.safeParse(receipt);
  if (!parsed.success) {
    const path = `runs/${runId}/receipts`;
    const reason = describeIssue(parsed.error.issues);
    throw new ReceiptError("RECEIPT_INVALID", `Cannot record receipt for run "${runId}": ${reason}`, {
      path,
      cause: parsed.error,
    });
  }
  const key = receiptKey(runId, parsed.data.task_id, parsed.data.step);
  const wanted = definedFields(parsed.data);
  try {
    await store.documents.put(key, toSealed(wanted), {
      expected: null,
      ...(options.fence === undefined ? {} : { fence: options.fence }),
    });
    return wanted;
  } catch (error) {
    if (!(error instanceof StoreConflictError)) throw error;
  }
  const stands = await readDocument(store, key, READER);
  if (stands !== undefined && isDeepStrictEqual(proofOf(stands.value), proofOf(wanted))) return stands.value;
  const path = store.locate({ document: key });
  const what =
    stands === undefined ? "it was removed meanwhile" : `it differs in ${difference(stands.value, wanted)}`;
  throw new ReceiptError(
    "RECEIPT_CONFLICT",
    `Cannot record receipt "${path}": there is one for this step, and ${what}; a receipt is never replaced`,
    { path },
  );
}

/** Options of {@link listReceipts}. */
export interface ListReceiptsOptions {
  /** Only those of one task. */
  readonly taskId?: string;
}

/**
 * The receipts of a run, by step; those of a run that has none, or does not exist, are an empty list.
 *
 * @throws {ReceiptError} `RECEIPT_DAMAGED`, `RECEIPT_NEWER_FORMAT`.
 */
export async function listReceipts(
  store: Store,
  runId: string,
  options: ListReceiptsOptions = {},
): Promise<Receipt[]> {
  checkRunId(runId);
  const prefix = `runs/${runId}/receipts/${options.taskId === undefined ? "" : `${options.taskId}/`}`;
  const receipts: Receipt[] = [];
  let after: string | undefined;
  do {
    const page = await store.documents.list(prefix, after === undefined ? {} : { after });
    for (const { key } of page.items) {
      const receipt = await loadReceipt(store, runId, key);
      if (receipt !== undefined) receipts.push(receipt);
    }
    after = page.cursor;
  } while (after !== undefined);
  return receipts.toSorted((a, b) => a.step - b.step || compareText(a.task_id, b.task_id));
}

async function loadReceipt(store: Store, runId: string, key: string): Promise<Receipt | undefined> {
  const found = await readDocument(store, key, READER);
  if (found === undefined) return undefined;
  const { task_id, step } = found.value;
  if (receiptKey(runId, task_id, step) !== key) {
    throw damaged(
      store,
      key,
      READER,
      `it is the receipt of step ${step} of task "${task_id}", in the wrong place`,
    );
  }
  return found.value;
}

function receiptKey(runId: string, taskId: string, step: number): string {
  return `runs/${runId}/receipts/${taskId}/step-${step}`;
}

/** What a receipt proves: everything but the time it was written. */
function proofOf(receipt: Receipt): Record<string, unknown> {
  const { created_at: _written, ...proof } = receipt;
  const plain: Record<string, unknown> = JSON.parse(JSON.stringify(proof));
  return plain;
}

function difference(a: Receipt, b: Receipt): string {
  const [one, other] = [proofOf(a), proofOf(b)];
  const names = [...new Set([...Object.keys(one), ...Object.keys(other)])];
  return names.filter((name) => !isDeepStrictEqual(one[name], other[name])).join(", ");
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
