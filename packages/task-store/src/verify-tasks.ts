import type { Store } from "@holdfast/storage";
import { readTask } from "./read-task.ts";
import { scanMetadata } from "./scan-metadata.ts";
import { TASKS_PREFIX, taskKey, taskOfKey } from "./task-key.ts";
import type { WorkFinding } from "./verify-jobs.ts";

const EDITED = {
  severity: "warning",
  kind: "edited",
  message: "it was changed after it was written: its document_sha256 is not the checksum of the rest",
  meaning:
    "Another program or a person changed it, or the disk did. It is read as it is; saving it again seals it.",
} as const;

/** Checks every task of a store: what is no JSON, has another shape, or lies where no task of its id is looked for. Changes nothing. */
export async function* verifyTasks(
  store: Store,
  options: { readonly signal?: AbortSignal } = {},
): AsyncGenerator<WorkFinding, void, undefined> {
  for (let after: string | undefined; ; ) {
    const page = await store.documents.list(TASKS_PREFIX, after === undefined ? {} : { after });
    for (const { key } of page.items) {
      options.signal?.throwIfAborted();
      const finding = await findingOf(store, key);
      if (finding !== undefined) yield { ...finding, place: store.locate({ document: key }) };
    }
    if (page.cursor === undefined) return;
    after = page.cursor;
  }
}

async function findingOf(store: Store, key: string): Promise<Omit<WorkFinding, "place"> | undefined> {
  const named = taskOfKey(key);
  const id = named === "long" ? await idIn(store, key) : named?.id;
  if (id === undefined) {
    const message = "no task is looked for under this name; move the file to where its task_id says";
    return { severity: "warning", kind: "place", message };
  }
  const result = await readTask(store, id);
  if (result.ok) return result.value.isEdited ? EDITED : undefined;
  const { code, message } = result.error;
  return { severity: "error", kind: `TASK_${code}`, message };
}

async function idIn(store: Store, key: string): Promise<string | undefined> {
  const id = (await scanMetadata(store.documents.read(key)))?.["task_id"];
  return typeof id === "string" && taskKey(id) === key ? id : undefined;
}
