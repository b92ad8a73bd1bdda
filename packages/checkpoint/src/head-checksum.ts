import { CanonicalJsonError } from "@holdfast/idempotency";
import { checksumSchema } from "./checkpoint.ts";
import type { JsonObject } from "./json.ts";
import { loadError, type Subject } from "./load-error.ts";
import { stateChecksum } from "./state-text.ts";

/**
 * Compares what stands beside a state with its checksum, `head_sha256`; what other writers made may have none.
 *
 * @param advice - What to do instead, for messages.
 * @throws {CheckpointLoadError} `CHECKPOINT_CHECKSUM`, `CHECKPOINT_SCHEMA`
 */
export function checkHeadChecksum(
  { head_sha256: recorded, ...rest }: JsonObject,
  subject: Subject,
  advice: string,
): void {
  if (recorded === undefined) {
    checkNames(rest, subject, advice);
    return;
  }
  let actual: string;
  try {
    actual = stateChecksum(rest);
  } catch (error) {
    if (!(error instanceof CanonicalJsonError)) throw error;
    throw loadError("CHECKPOINT_SCHEMA", subject, `${error.message}; ${advice}`, error);
  }
  if (actual === recorded) return;
  const state = `the checksum of what stands beside its state is ${actual}, recorded is ${JSON.stringify(recorded).slice(0, 80)}`;
  throw loadError("CHECKPOINT_CHECKSUM", subject, `${state}: it was changed after it was saved; ${advice}`);
}

/** One bit can take the checksum away: its name may be what was changed. */
function checkNames(head: JsonObject, subject: Subject, advice: string): void {
  for (const [name, value] of Object.entries(head)) {
    if (!checksumSchema.safeParse(value).success) continue;
    const { [name]: _renamed, ...others } = head;
    if (!hasChecksum(others, value)) continue;
    const state = `"${name}" is the checksum of what stands beside its state, under a name that it never has`;
    throw loadError("CHECKPOINT_CHECKSUM", subject, `${state}: it was changed after it was saved; ${advice}`);
  }
}

function hasChecksum(head: JsonObject, checksum: unknown): boolean {
  try {
    return stateChecksum(head) === checksum;
  } catch (error) {
    if (error instanceof CanonicalJsonError) return false;
    throw error;
  }
}
