import { type Json, openSealed, type Store } from "@holdfast/storage";
import { type Task, taskSchema } from "./task.ts";
import { taskOf } from "./task-document.ts";
import { failed, misshapen, thrown } from "./task-failure.ts";
import { TASKS_PREFIX, taskKey } from "./task-key.ts";
import type { TaskResult } from "./tasks.ts";

/** A task as it was read. */
export interface ReadTask {
  readonly task: Task;
  /** Whether something changed it after it was written. One that was never sealed is not known to be changed. */
  readonly isEdited: boolean;
}

/** Reads a task whole. Nothing is thrown: what is wrong with it is the result. */
export async function readTask(store: Store, taskId: string): Promise<TaskResult<ReadTask>> {
  return withTaskKey(store, taskId, (key, path) => readTaskAt(store, key, path, taskId));
}

/** Does something with the key of a task and its place for people. Nothing is thrown: what goes wrong is the result. */
export async function withTaskKey<T>(
  store: Store,
  taskId: string,
  read: (key: string, path: string) => Promise<TaskResult<T>>,
): Promise<TaskResult<T>> {
  let path = TASKS_PREFIX;
  try {
    const id = taskSchema.shape.task_id.safeParse(taskId);
    if (!id.success) return misshapen("Not an id of a task", path, id.error);
    const key = taskKey(taskId);
    path = store.locate({ document: key });
    return await read(key, path);
  } catch (error) {
    return thrown(`Cannot read task "${path}"`, path, error);
  }
}

/** As {@link readTask}, of a document whose key is known; what the store throws is thrown. */
export async function readTaskAt(
  store: Store,
  key: string,
  path: string,
  taskId: string,
): Promise<TaskResult<ReadTask>> {
  const what = `Cannot read task "${path}"`;
  const found = await store.documents.get(key, { exact: true });
  if (found === undefined) return failed("NOT_FOUND", `${what}: there is no such task`, { path });
  const { value, seal } = openSealed(found.value);
  const version = laterVersion(value);
  if (version !== undefined) {
    const reason = `it is of version ${version}, and this program knows version 1; use a newer one`;
    return failed("VALIDATION", `${what}: ${reason}`, { path, place: "$.schema" });
  }
  const parsed = taskSchema.safeParse(value);
  if (!parsed.success) return misshapen(what, path, parsed.error);
  const { task_id: id } = parsed.data;
  if (id !== taskId) {
    const reason = `it is task ${JSON.stringify(id)}`;
    return failed("VALIDATION", `${what}: "$.task_id": ${reason}`, { path, place: "$.task_id" });
  }
  // What was checked, not what the check made of it: that has everything as it was.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- checked above
  return { ok: true, value: { task: taskOf(value as Task), isEdited: seal === "broken" } };
}

function laterVersion(value: Json): number | undefined {
  if (typeof value !== "object" || value === null || !("schema" in value)) return undefined;
  const { schema } = value;
  const version = typeof schema === "string" ? /^holdfast\/task\/v(\d{1,9})$/u.exec(schema)?.[1] : undefined;
  return version !== undefined && Number(version) > 1 ? Number(version) : undefined;
}
