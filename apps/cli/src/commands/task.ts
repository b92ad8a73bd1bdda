import { readFile } from "node:fs/promises";
import { buffer } from "node:stream/consumers";
import { FileNotJsonError, parseJsonStrict } from "@holdfast/fsutil";
import { projectOf, type Task, type TaskFailure, type TaskResult, taskStore } from "@holdfast/task-store";
import type { Context } from "../context.ts";
import { CommandError, EXIT, messageOf } from "../failure.ts";
import { printable, table } from "../table.ts";

/** A failure of a task, with what is known of the place. */
class TaskError extends CommandError {
  override readonly name = "TaskError";
  readonly path: string;
  readonly line: number | undefined;
  readonly column: number | undefined;
  readonly place: string | undefined;

  constructor({ code, message, details }: TaskFailure, exit: number) {
    super(code, message, exit);
    this.path = details.path;
    this.line = details.line;
    this.column = details.column;
    this.place = details.place;
  }
}

const EXIT_OF_STORED = { JSON: EXIT.damaged, VALIDATION: EXIT.damaged, NOT_FOUND: EXIT.notFound } as const;
const EXIT_OF_GIVEN = { JSON: EXIT.usage, VALIDATION: EXIT.usage, NOT_FOUND: EXIT.notFound } as const;

function valueOf<T>(result: TaskResult<T>, exits: Readonly<Record<string, number>> = EXIT_OF_STORED): T {
  if (result.ok) return result.value;
  throw new TaskError(result.error, exits[result.error.code] ?? EXIT.failed);
}

/** Keeps a task that stands in a file. */
export async function save(context: Context, file: string): Promise<undefined> {
  const given = valueOf(await readTask(file), EXIT_OF_GIVEN);
  const saved = await taskStore(context.store()).save(given);
  const { task_id, path } = valueOf(inFile(saved, file), EXIT_OF_GIVEN);
  await context.result({ task_id, project: projectOf(task_id), path }, `${printable(task_id)}\n`);
  await context.note(`saved in ${printable(path)}`);
  return undefined;
}

/** What is wrong with the task is wrong with the file. */
function inFile<T>(result: TaskResult<T>, file: string): TaskResult<T> {
  if (result.ok || result.error.code !== "VALIDATION") return result;
  const { error } = result;
  const message = `Cannot save "${file}": ${error.message.slice(error.message.indexOf(": ") + 2)}`;
  return { ok: false, error: { ...error, message, details: { ...error.details, path: file } } };
}

async function readTask(file: string): Promise<TaskResult<Task>> {
  const path = file === "-" ? "stdin" : file;
  try {
    const bytes = file === "-" ? await buffer(process.stdin) : await readFile(file);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- save() checks it
    return { ok: true, value: parseJsonStrict(bytes, { path }) as Task };
  } catch (error) {
    const message = messageOf(error);
    if (error instanceof FileNotJsonError) {
      const { line, column } = error;
      return { ok: false, error: { code: "JSON", message, details: { path, line, column } } };
    }
    const isMissing = error instanceof Error && "code" in error && error.code === "ENOENT";
    const said = `Cannot read task "${path}": ${isMissing ? "there is no such file" : message}`;
    return {
      ok: false,
      error: { code: isMissing ? "NOT_FOUND" : "IO", message: said, details: { path } },
    };
  }
}

/** Lists tasks by what they are. One that cannot be read is named on stderr, and the status says so. */
export async function list(
  context: Context,
  options: { readonly project?: string },
): Promise<number | undefined> {
  const tasks = taskStore(context.store());
  const projects = options.project === undefined ? valueOf(await tasks.projects()) : [options.project];
  const rows: string[][] = [];
  let damaged = false;
  for (const project of projects) {
    for (const id of valueOf(await tasks.list(project))) {
      const metadata = await tasks.metadata(id);
      if (!metadata.ok) {
        // It was removed meanwhile.
        if (metadata.error.code === "NOT_FOUND") continue;
        damaged = true;
        await context.warn(`${metadata.error.code}: ${metadata.error.message}`);
      } else if (!context.json) {
        const { status, updated_at: updated } = metadata.value;
        rows.push([printable(id), status, printable(project), updated.slice(0, 19).replace("T", " ")]);
      } else if (!(await context.item({ ...metadata.value, project }, ""))) return undefined;
    }
  }
  if (rows.length > 0) await context.out.write(table([["TASK", "STATUS", "PROJECT", "UPDATED"], ...rows]));
  else if (!context.json && !damaged) await context.note(`no tasks in ${context.root}`);
  return damaged ? EXIT.damaged : undefined;
}

/** A task, whole, as it was saved. */
export async function show(context: Context, id: string): Promise<undefined> {
  const task = valueOf(await taskStore(context.store()).load(id));
  await context.out.write(`${jsonText(task)}\n`);
  return undefined;
}

/** JSON for a terminal: what could move its cursor is written as an escape, which means the same. */
function jsonText(value: unknown): string {
  return JSON.stringify(value, undefined, 2).replace(
    /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** What a task is. */
export async function meta(context: Context, id: string): Promise<undefined> {
  const metadata = valueOf(await taskStore(context.store()).metadata(id));
  const rows = Object.entries(metadata).map(([name, value]) => [
    name,
    typeof value === "string" ? printable(value) : "null",
  ]);
  await context.result(metadata, table(rows));
  return undefined;
}
