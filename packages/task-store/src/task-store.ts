import { type Fence, type Store, StoreError } from "@holdfast/storage";
import { readTask, readTaskAt, withTaskKey } from "./read-task.ts";
import { scanMetadata } from "./scan-metadata.ts";
import { type Task, type TaskMetadata, taskMetadataSchema, taskSchema } from "./task.ts";
import { documentOf } from "./task-document.ts";
import { misshapen, thrown } from "./task-failure.ts";
import { isProjectName, TASKS_PREFIX, taskKey, taskOfKey } from "./task-key.ts";
import type { TaskResult, TaskStore } from "./tasks.ts";
import { toSealed } from "./to-json.ts";

/**
 * The tasks in a store. Nothing it does throws or rejects: what went wrong is a value.
 *
 * @param store - Where the tasks live. Nothing is opened, and there is nothing to close.
 */
export function taskStore(store: Store): TaskStore {
  return new StoredTasks(store);
}

class StoredTasks implements TaskStore {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  async save(
    task: Task,
    options: { readonly fence?: Fence } = {},
  ): Promise<TaskResult<{ readonly task_id: string; readonly path: string }>> {
    const what = "Cannot save the task";
    let path = TASKS_PREFIX;
    try {
      const parsed = taskSchema.safeParse(task);
      if (!parsed.success) return misshapen(what, path, parsed.error);
      const { task_id: id } = parsed.data;
      const key = taskKey(id);
      path = this.#place(key);
      const fence = options.fence === undefined ? {} : { fence: options.fence };
      await this.#store.documents.put(key, toSealed(documentOf(task)), fence);
      return { ok: true, value: { task_id: id, path } };
    } catch (error) {
      return thrown(what, path, error);
    }
  }

  async load(taskId: string): Promise<TaskResult<Task>> {
    const read = await readTask(this.#store, taskId);
    return read.ok ? { ok: true, value: read.value.task } : read;
  }

  async list(project: string): Promise<TaskResult<readonly string[]>> {
    const what = "Cannot list the tasks of the project";
    let path = TASKS_PREFIX;
    try {
      // What is no name of a project has no tasks.
      if (!isProjectName(project)) return { ok: true, value: [] };
      path += project;
      const ids: string[] = [];
      // The names of the files are in order, and so are ids that are such names.
      let inOrder = true;
      for await (const key of this.#keys(`${path}/`)) {
        const task = taskOfKey(key);
        const id = task === "long" ? await this.#idIn(key) : task?.id;
        if (id === undefined) continue;
        inOrder &&= key === `${path}/${id}`;
        ids.push(id);
      }
      return { ok: true, value: inOrder ? ids : ids.toSorted(compareBytes) };
    } catch (error) {
      return thrown(what, path, error);
    }
  }

  async projects(): Promise<TaskResult<readonly string[]>> {
    try {
      const names: string[] = [];
      for (let after: string | undefined; ; ) {
        const options = after === undefined ? { limit: 1 } : { limit: 1, after };
        const { items } = await this.#store.documents.list(TASKS_PREFIX, options);
        const [, name, ...rest] = items[0]?.key.split("/") ?? [];
        if (name === undefined) return { ok: true, value: names.toSorted(compareBytes) };
        if (rest.length > 0 && isProjectName(name)) names.push(name);
        // The character after the slash: where the keys of a project end.
        after = rest.length > 0 ? `${TASKS_PREFIX}${name}0` : items[0]?.key;
      }
    } catch (error) {
      return thrown("Cannot list the projects", TASKS_PREFIX, error);
    }
  }

  async metadata(taskId: string): Promise<TaskResult<TaskMetadata>> {
    return withTaskKey(this.#store, taskId, async (key, path) => {
      const parsed = taskMetadataSchema.safeParse(await this.#scan(key));
      if (parsed.success && parsed.data.task_id === taskId) return { ok: true, value: fieldsOf(parsed.data) };
      // Read whole, it says what is wrong with it.
      const read = await readTaskAt(this.#store, key, path, taskId);
      return read.ok ? { ok: true, value: fieldsOf(taskMetadataSchema.parse(read.value.task)) } : read;
    });
  }

  /** Nothing where there is no such task, or it cannot be read: reading it whole tells. */
  async #scan(key: string): Promise<Readonly<Record<string, unknown>> | undefined> {
    try {
      return await scanMetadata(this.#store.documents.read(key));
    } catch (error) {
      if (error instanceof StoreError) return undefined;
      throw error;
    }
  }

  async #idIn(key: string): Promise<string | undefined> {
    const id = (await this.#scan(key))?.["task_id"];
    return typeof id === "string" && taskKey(id) === key ? id : undefined;
  }

  async *#keys(prefix: string): AsyncGenerator<string, void, undefined> {
    for (let after: string | undefined; ; ) {
      const page = await this.#store.documents.list(prefix, after === undefined ? {} : { after });
      for (const { key } of page.items) yield key;
      if (page.cursor === undefined) return;
      after = page.cursor;
    }
  }

  #place(key: string): string {
    return this.#store.locate({ document: key });
  }
}

function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function fieldsOf(task: TaskMetadata): TaskMetadata {
  const { task_id, status, pipeline_id, created_at, updated_at } = task;
  return { task_id, status, ...(pipeline_id === undefined ? {} : { pipeline_id }), created_at, updated_at };
}
