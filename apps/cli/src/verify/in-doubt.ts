import { onceStore } from "@holdfast/idempotency";
import type { FileStore } from "@holdfast/storage";
import { type Finding, unreadable } from "./finding.ts";

/** Work that was begun and whose outcome is unknown. */
export async function onceFindings(store: FileStore): Promise<Finding[]> {
  const place = store.locate({ document: "idempotency" });
  try {
    return (await onceStore(store).inDoubt()).map(({ key, started_at }) => ({
      severity: "warning",
      kind: "in_doubt",
      place,
      message: `${key} was begun at ${started_at} and its result is unknown`,
      meaning: "Asked for again, it is run again, unless a probe or a person settles it first.",
    }));
  } catch (error) {
    return [unreadable(place, error)];
  }
}
