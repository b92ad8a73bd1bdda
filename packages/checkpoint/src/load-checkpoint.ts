import { CanonicalJsonError } from "@holdfast/idempotency";
import type { Json, Store } from "@holdfast/storage";
import type * as z from "zod";
import {
  type Checkpoint,
  type CheckpointHead,
  checkpointHeadSchema,
  type SimulationState,
} from "./checkpoint.ts";
import { checkpointKey } from "./checkpoint-key.ts";
import { checkHeadChecksum } from "./head-checksum.ts";
import { isJsonObject } from "./json.ts";
import { loadDocument, loadError, newerVersion, type Subject } from "./load-error.ts";
import type { SplitDocument } from "./split-document.ts";
import { stateChecksum } from "./state-text.ts";

const OTHER = "use another checkpoint of the run";

/**
 * Reads one checkpoint and checks all that it says about itself.
 *
 * @throws {CheckpointLoadError} With a code for each way in which it can be wrong.
 */
export async function loadCheckpoint(
  store: Store,
  runId: string,
  which: number | "last",
): Promise<Checkpoint> {
  const key = checkpointKey(runId, which);
  const what = which === "last" ? "the last checkpoint" : `the checkpoint of turn ${which}`;
  const subject: Subject = { what: `${what} of run "${runId}"`, path: store.locate({ document: key }) };
  const document = await loadDocument(store, key, "state", subject);
  if (document === undefined)
    throw loadError(
      "CHECKPOINT_MISSING",
      subject,
      "there is none; see which turns the run has checkpoints of",
    );
  const head = checkHead(document.head, subject);
  const state = checkState(document.member, head, subject);
  if (typeof which === "number" && head.turn !== which)
    throw loadError("CHECKPOINT_TURN", subject, `it is the one of turn ${head.turn}; ${OTHER}`);
  const checksum = checkChecksum(document, head, subject);
  return { ...head, state_sha256: checksum, state };
}

/** The head of a checkpoint as it is read: one of before there were checksums has none. */
type ReadHead = Omit<CheckpointHead, "state_sha256"> & { readonly state_sha256?: string | undefined };

const oldHeadSchema = checkpointHeadSchema.omit({ state_sha256: true });

function checkHead(value: Json, subject: Subject): ReadHead {
  if (!isJsonObject(value)) throw loadError("CHECKPOINT_SCHEMA", subject, `it is no checkpoint; ${OTHER}`);
  const version = newerVersion(value, "checkpoint");
  if (version !== undefined)
    throw loadError(
      "CHECKPOINT_NEWER_VERSION",
      subject,
      `it has version ${version}, this program knows 1; use a newer Holdfast`,
    );
  const { state: _, ...rest } = value;
  // Files of before say neither what they are nor what their state's checksum is.
  const isOld = !("schema" in rest) && !("state_sha256" in rest);
  const parsed = (isOld ? oldHeadSchema : checkpointHeadSchema).safeParse(rest);
  if (!parsed.success)
    throw loadError("CHECKPOINT_SCHEMA", subject, `${describeIssues(parsed.error)}; ${OTHER}`, parsed.error);
  // Only now: what is no checkpoint is told as that.
  checkHeadChecksum(rest, subject, OTHER);
  return parsed.data;
}

function checkState(member: Json | undefined, head: ReadHead, subject: Subject): SimulationState {
  if (member === undefined || !isJsonObject(member))
    throw loadError(
      "CHECKPOINT_SCHEMA",
      subject,
      `its "state" is ${nameOf(member)}, not an object; ${OTHER}`,
    );
  const { turn } = member;
  if (typeof turn !== "number" || !Number.isSafeInteger(turn) || turn < 0)
    throw loadError(
      "CHECKPOINT_SCHEMA",
      subject,
      `its "state.turn" is ${nameOf(turn)}, not a turn; ${OTHER}`,
    );
  if (turn !== head.turn)
    throw loadError(
      "CHECKPOINT_TURN",
      subject,
      `its turn is ${head.turn}, its state is that of turn ${turn}; ${OTHER}`,
    );
  return { ...member, turn };
}

/** The checksum of the state; that of the bytes as they stand is enough where they are what was hashed when it was saved. */
function checkChecksum({ member, checksum }: SplitDocument, head: ReadHead, subject: Subject): string {
  const recorded = head.state_sha256;
  // That of the text counts only where it cannot have been changed together with it, by somebody who did not know of the other.
  const isText = head.head_sha256 !== undefined && checksum === head.text_sha256;
  if (checksum !== undefined && recorded !== undefined && (checksum === recorded || isText)) return recorded;
  let actual: string;
  try {
    actual = stateChecksum(member);
  } catch (error) {
    if (!(error instanceof CanonicalJsonError)) throw error;
    throw loadError("CHECKPOINT_SCHEMA", subject, `${error.message}; ${OTHER}`, error);
  }
  if (recorded === undefined || actual === recorded) return actual;
  throw loadError(
    "CHECKPOINT_CHECKSUM",
    subject,
    `the checksum of its state is ${actual}, recorded is ${recorded}: it was changed after it was saved; ${OTHER}`,
  );
}

/** What does not fit, with its place. */
export function describeIssues(error: z.ZodError): string {
  return error.issues
    .slice(0, 3)
    .map(({ path, message }) => (path.length === 0 ? message : `"${path.map(String).join(".")}": ${message}`))
    .join("; ");
}

/** What a value is, for messages. */
export function nameOf(value: unknown): string {
  if (value === undefined) return "missing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object" && value !== null) return "an object";
  const text = JSON.stringify(value) ?? typeof value;
  return text.length > 40 ? `${text.slice(0, 40)}...` : text;
}
