import { METADATA_FIELDS } from "./scan-metadata.ts";
import type { Task } from "./task.ts";

const SCHEMA = "holdfast/task/v1";

/**
 * A task as it is written: the metadata fields, then the name of the format, then the rest in its own order. A task that names its format
 * itself keeps that at its end, so that what is there tells whose it is.
 */
export function documentOf(task: Task): Readonly<Record<string, unknown>> {
  const { schema, ...rest } = task;
  const document: Record<string, unknown> = {};
  for (const name of METADATA_FIELDS) if (Object.hasOwn(task, name)) document[name] = task[name];
  if (!Object.hasOwn(task, "schema")) document["schema"] = SCHEMA;
  for (const [name, value] of Object.entries(rest)) setOwn(document, name, value);
  if (Object.hasOwn(task, "schema")) document["schema"] = schema;
  return document;
}

/** The task that a document was written from. */
export function taskOf(document: Task): Task {
  const names = Object.keys(document);
  const fields = METADATA_FIELDS.filter((name) => Object.hasOwn(document, name));
  // Keys that are whole numbers come before all others, whatever was written first.
  const at = names.indexOf("schema");
  const before = names.slice(Math.max(0, at - fields.length), at);
  if (at === names.length - 1 || before.join() !== fields.join()) return document;
  const { schema: _schema, ...task } = document;
  return task;
}

/** A plain assignment would take `__proto__` for something else. */
function setOwn(target: Record<string, unknown>, name: string, value: unknown): void {
  Object.defineProperty(target, name, { value, writable: true, enumerable: true, configurable: true });
}
