import { type OnceStore, onceStore } from "@holdfast/idempotency";
import type { Clock, Fence, Json, Store } from "@holdfast/storage";
import type { RememberedWork } from "../engine/engine.ts";

/** Work of a turn, and who asked for it. */
export interface TurnWork {
  readonly turn: number;
  /** The agent it belongs to; `null` for the engine. */
  readonly agent: string | null;
  readonly name: string;
  readonly run: (context: RememberedWork) => unknown;
  readonly signal: AbortSignal;
}

/** Runs work once, or gives what is recorded of it. */
export type Remember = (work: TurnWork) => Promise<unknown>;

/** The key that the work of a turn is recorded under. */
function onceKey(runId: string, { turn, agent, name }: Pick<TurnWork, "turn" | "agent" | "name">): string {
  const scope = agent === null ? "" : `agent-${agent}/`;
  return `${runId}/turn-${turn}/${scope}${name}`;
}

/** What the record's inputs are: two pieces of work that share a key by the look of their names are told apart. */
const inputsOf = ({ turn, agent, name }: TurnWork): Json => ({ turn, agent, name });

/** Records work in the store, under the claim of the run. */
export function rememberIn(
  store: Store,
  runId: string,
  options: { readonly fence: Fence; readonly clock: Clock },
): Remember {
  const records: OnceStore = onceStore(store, options);
  return (work) =>
    records.once(onceKey(runId, work), inputsOf(work), (context) => work.run(context), {
      signal: work.signal,
    });
}

/**
 * Gives what was recorded, a failure too; never runs anything.
 *
 * @param onMissing - Told of work without a recorded outcome; the error it gives is thrown into the turn.
 */
export function recallFrom(store: Store, runId: string, onMissing: (work: TurnWork) => Error): Remember {
  const records = onceStore(store);
  return async (work) => {
    const record = await records.get(onceKey(runId, work));
    if (record?.state === "done") return record.result;
    if (record?.state !== "failed" || record.failure === undefined) throw onMissing(work);
    const { name, message, code } = record.failure;
    throw Object.assign(new Error(message), { name, ...(code === undefined ? {} : { code }) });
  };
}
