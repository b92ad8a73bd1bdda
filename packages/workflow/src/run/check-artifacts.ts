import { lstatSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import type { ExpectedOutput } from "@holdfast/ledger";
import { type Receipt, verifyReceipt } from "@holdfast/task-store";
import { messageOf } from "../unknown-value.ts";
import { syncArtifacts } from "./sync-artifacts.ts";

/** Why a step does not count as done. */
export interface StepProblem {
  readonly code: string;
  readonly message: string;
  readonly status?: string;
  readonly fatal?: boolean;
  readonly details?: Readonly<Record<string, unknown>>;
}

/** What an artifact's path has to look like: it is a path of the workspace. */
const leaves = (path: string): boolean => path === "" || isAbsolute(path) || path.split("/").includes("..");

/** What stands against the artifacts of a step, if something does. Otherwise they are as the receipt says, and durable. */
export async function problemOfArtifacts(
  receipt: Receipt,
  options: {
    readonly workspace: string;
    readonly maxBytes: number;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<StepProblem | undefined> {
  const { artifacts } = receipt;
  const large = artifacts.find((artifact) => artifact.size > options.maxBytes);
  if (large !== undefined) {
    const message = `artifact "${large.path}" has ${large.size} bytes, policy.artifact_max_bytes is ${options.maxBytes}`;
    return { code: "artifact_too_large", message, status: "artifact_refused", details: { path: large.path } };
  }
  const { signal } = options;
  const [first, ...rest] = await verifyReceipt(
    receipt,
    options.workspace,
    signal === undefined ? {} : { signal },
  );
  if (first === undefined) return notDurable(artifacts, options.workspace);
  const more = rest.length === 0 ? "" : ` (and ${rest.length} more)`;
  return {
    code: first.kind === "escapes" ? "artifact_outside" : "artifact_mismatch",
    message: `${first.message}${more}`,
    status: "artifact_refused",
    details: { path: first.path, kind: first.kind },
  };
}

/** Agents need not sync what they write: it is done here, before a receipt says that it is there. */
async function notDurable(
  artifacts: Receipt["artifacts"],
  workspace: string,
): Promise<StepProblem | undefined> {
  try {
    await syncArtifacts(
      workspace,
      artifacts.map(({ path }) => path),
    );
    return undefined;
  } catch (error) {
    const message = `the artifacts could not be made durable: ${messageOf(error)}`;
    return { code: "artifact_not_durable", message, status: "artifact_refused" };
  }
}

/** Paths of the outputs that a step had to make and that are not there. */
export function missingOutputs(outputs: readonly ExpectedOutput[], workspace: string): string[] {
  const isThere = (path: string): boolean => {
    try {
      return lstatSync(join(workspace, path), { throwIfNoEntry: false }) !== undefined;
    } catch {
      return false;
    }
  };
  return outputs
    .filter((output) => output.required && !leaves(output.path) && !isThere(output.path))
    .map((output) => output.path);
}
