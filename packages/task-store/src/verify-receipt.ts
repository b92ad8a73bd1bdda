import { realpath, stat } from "node:fs/promises";
import { posix } from "node:path";
import type { Artifact } from "@holdfast/ledger";
import { readArtifact } from "./artifact-file.ts";
import { ReceiptError } from "./errors.ts";
import type { Receipt } from "./receipt.ts";

/** Checksum and size of a file. */
export interface FileContent {
  readonly sha256: string;
  readonly size: number;
}

/** A file that is not what a receipt says. */
export interface ReceiptFinding {
  /**
   * - `missing`: there is no such file. `changed`: it has other content.
   * - `escapes`: its path leads out of the workspace; nothing was read. `not_a_file`: a folder, pipe, socket or device.
   * - `unreadable`: the system refuses to give it.
   */
  readonly kind: "missing" | "changed" | "escapes" | "not_a_file" | "unreadable";
  readonly taskId: string;
  readonly step: number;
  /** As in the receipt. */
  readonly path: string;
  readonly message: string;
  readonly expected: FileContent;
  /** What is there now, where it is a file. */
  readonly actual: FileContent | undefined;
}

/** Options of {@link verifyReceipt}. */
export interface VerifyReceiptOptions {
  readonly signal?: AbortSignal;
}

/**
 * Compares the artifacts of a receipt with the files of a workspace.
 *
 * @param receipt - The receipt.
 * @param workspace - Root of the workspace. Nothing outside it is read, neither by `..` nor by a symbolic link.
 * @returns What is wrong; an empty list when every file is as it was.
 * @throws {ReceiptError} `RECEIPT_WORKSPACE` when the workspace is not a folder that can be read.
 */
export async function verifyReceipt(
  receipt: Receipt,
  workspace: string,
  options: VerifyReceiptOptions = {},
): Promise<ReceiptFinding[]> {
  return verifyReceipts([receipt], workspace, options);
}

/**
 * Compares the artifacts of a run's receipts with the files of its workspace. Where several receipts name a file, only the one of the
 * latest step counts: it superseded the others.
 *
 * @param receipts - Receipts of one run, in any order.
 * @param workspace - Root of the workspace, as for {@link verifyReceipt}.
 * @returns What is wrong, by step.
 * @throws {ReceiptError} `RECEIPT_WORKSPACE`
 */
export async function verifyReceipts(
  receipts: readonly Receipt[],
  workspace: string,
  options: VerifyReceiptOptions = {},
): Promise<ReceiptFinding[]> {
  const root = await realRoot(workspace);
  const latest = new Map<string, { readonly receipt: Receipt; readonly artifact: Artifact }>();
  for (const receipt of receipts.toSorted((a, b) => a.step - b.step)) {
    for (const artifact of receipt.artifacts) {
      const path = posix.normalize(artifact.path);
      // Taken out first, so that what is left is in the order of the steps.
      latest.delete(path);
      latest.set(path, { receipt, artifact });
    }
  }
  const findings: ReceiptFinding[] = [];
  for (const { receipt, artifact } of latest.values()) {
    options.signal?.throwIfAborted();
    const finding = await verifyArtifact(root, receipt, artifact, options.signal);
    if (finding !== undefined) findings.push(finding);
  }
  return findings;
}

async function verifyArtifact(
  root: string,
  receipt: Receipt,
  artifact: Artifact,
  signal: AbortSignal | undefined,
): Promise<ReceiptFinding | undefined> {
  const { path, sha256, size } = artifact;
  const found = await readArtifact(root, path, signal);
  const finding = {
    taskId: receipt.task_id,
    step: receipt.step,
    path,
    expected: { sha256, size },
    actual: undefined,
  };
  const place = `Artifact "${path}" of step ${receipt.step} of task "${receipt.task_id}"`;
  if (found.kind !== "file") return { ...finding, kind: found.kind, message: `${place}: ${found.reason}` };
  if (found.sha256 === sha256 && found.size === size) return undefined;
  const message = `${place}: it was changed: ${found.size} bytes with ${found.sha256}, the receipt says ${size} bytes with ${sha256}`;
  return { ...finding, kind: "changed", message, actual: { sha256: found.sha256, size: found.size } };
}

async function realRoot(workspace: string): Promise<string> {
  try {
    const root = await realpath(workspace);
    if ((await stat(root)).isDirectory()) return root;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ReceiptError("RECEIPT_WORKSPACE", `Cannot verify receipts in "${workspace}": ${reason}`, {
      path: workspace,
      cause,
    });
  }
  throw new ReceiptError(
    "RECEIPT_WORKSPACE",
    `Cannot verify receipts in "${workspace}": it is not a folder`,
    {
      path: workspace,
    },
  );
}
