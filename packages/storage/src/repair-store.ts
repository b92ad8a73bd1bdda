import type { FileObjects } from "./file-objects.ts";
import { findProblems } from "./find-problems.ts";
import type { CheckOptions, RepairOptions, StoreFinding } from "./finding.ts";
import type { StoreFolder } from "./store-folder.ts";

/** Finds what is wrong with a store of files, and changes nothing. */
export async function checkStore(
  folder: StoreFolder,
  objects: FileObjects,
  options: CheckOptions,
): Promise<StoreFinding[]> {
  const findings: StoreFinding[] = [];
  for await (const { finding } of findProblems(folder, objects, options)) findings.push(finding);
  return findings;
}

/** Mends what is wrong with a store of files, as far as it can be mended. */
export async function repairStore(
  folder: StoreFolder,
  objects: FileObjects,
  options: RepairOptions,
): Promise<StoreFinding[]> {
  const { dryRun = false, salvage = false } = options;
  const findings: StoreFinding[] = [];
  let isUnmarked = false;
  for await (const { finding, mend, isSalvage = false } of findProblems(folder, objects, options)) {
    if (mend === undefined || (isSalvage && !salvage)) {
      const advice = isSalvage ? "; restore it from a copy, or repair with salvage to take it away" : "";
      findings.push({ ...finding, message: finding.message + advice, repaired: false });
      continue;
    }
    if (dryRun) {
      findings.push({ ...finding, repaired: true });
      continue;
    }
    try {
      findings.push({ ...finding, message: `${finding.message}: ${await mend()}`, repaired: true });
      isUnmarked ||= finding.kind === "damaged-store";
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      findings.push({
        ...finding,
        message: `${finding.message}; it could not be mended: ${reason}`,
        repaired: false,
      });
    }
  }
  // Only now can the rest be looked at.
  return isUnmarked ? [...findings, ...(await repairStore(folder, objects, options))] : findings;
}
