import type { Fence } from "@holdfast/storage";
import type { Task, TaskMetadata } from "./task.ts";

/**
 * Why something could not be done with a task.
 *
 * - `JSON`: what is stored is no JSON; `details` say the line where it is known.
 * - `VALIDATION`: it has another shape than a task, or is another task; the message names the place in it.
 * - `NOT_FOUND`: there is no such task.
 * - `IO`: the store could not read or write.
 * - `UNKNOWN`: anything else.
 */
export type TaskErrorCode = "JSON" | "VALIDATION" | "NOT_FOUND" | "IO" | "UNKNOWN";

/** A failure, as a value. */
export interface TaskFailure {
  readonly code: TaskErrorCode;
  readonly message: string;
  readonly details: {
    /** Where, for people: on files the path of the document. */
    readonly path: string;
    /** Line in the file, from 1. */
    readonly line?: number;
    /** Column in the line, from 1. */
    readonly column?: number;
    /** Place in the task, such as `$.spec.task_spec_id`. */
    readonly place?: string;
    /** Code of the error beneath. */
    readonly cause?: string;
  };
}

/** What came of something, as a value: nothing here throws or rejects. */
export type TaskResult<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: TaskFailure };

/** Tasks of a store, by project. What `save` said `ok` to is durable. Nothing throws or rejects. */
export interface TaskStore {
  /**
   * Writes a task, whole, in place of what was there under its id; the five metadata fields first, the rest in its own order.
   *
   * @param task - Checked: what is no task is refused with `VALIDATION`, and nothing is written.
   */
  save(
    task: Task,
    options?: {
      /** A claim of the caller: the write is refused once somebody else holds it. */
      readonly fence?: Fence;
    },
  ): Promise<TaskResult<{ readonly task_id: string; readonly path: string }>>;
  /** A task exactly as it was saved. */
  load(taskId: string): Promise<TaskResult<Task>>;
  /** Ids of a project's tasks, in byte order; an empty list for a project that is not there. Nothing is created. */
  list(project: string): Promise<TaskResult<readonly string[]>>;
  /** Names of the projects there are, in byte order. */
  projects(): Promise<TaskResult<readonly string[]>>;
  /** What a task is, without reading the rest of it where it is written first: then 64 KiB at most are read. */
  metadata(taskId: string): Promise<TaskResult<TaskMetadata>>;
}
