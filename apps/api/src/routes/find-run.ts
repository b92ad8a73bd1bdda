import type { Store } from "@holdfast/storage";
import { ProblemError } from "../errors.ts";

/** Whether a store holds anything of a run: a state, documents or logs. */
export async function hasRun(store: Store, runId: string): Promise<boolean> {
  const prefix = `runs/${runId}/`;
  const { items } = await store.documents.list(prefix, { limit: 1 });
  return items.length > 0 || (await store.logs.list(prefix)).length > 0;
}

/** @throws {ProblemError} `NOT_FOUND` */
export async function requireRun(store: Store, runId: string): Promise<void> {
  if (!(await hasRun(store, runId))) throw unknown("run", runId);
}

/** The problem of an id that names nothing. */
export function unknown(what: string, id: string): ProblemError {
  return new ProblemError("NOT_FOUND", `Not found: there is no ${what} ${JSON.stringify(id)}`);
}
