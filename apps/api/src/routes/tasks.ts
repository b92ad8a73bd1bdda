import {
  type TaskFailure,
  type TaskResult,
  taskMetadataSchema,
  taskSchema,
  taskStore,
} from "@holdfast/task-store";
import * as z from "zod";
import { ProblemError } from "../errors.ts";
import { jsonReply } from "../reply.ts";
import { refuseParameter } from "../request-input.ts";
import { defineRoute } from "../route.ts";
import { taskExample, taskMetadataExample } from "./examples.ts";
import { unknown } from "./find-run.ts";
import { limitSchema, nextCursorSchema, pathIdSchema } from "./parameters.ts";

const listedSchema = taskMetadataSchema.extend({ project: z.string().describe("Project it belongs to") });

const list = defineRoute({
  path: "/tasks",
  operationId: "listTasks",
  tag: "records",
  summary: "Tasks",
  description: "What tasks there are, by project and id, without what is in them.",
  query: z.object({
    project: z.string().min(1).max(256).describe("Only tasks of this project").optional(),
    limit: limitSchema(1_000, 100),
    cursor: z.string().min(1).describe("The next_cursor of the page before").optional(),
  }),
  answer: {
    description: "A page of tasks",
    schema: z.object({
      tasks: z.array(listedSchema),
      has_more: z.boolean(),
      next_cursor: nextCursorSchema,
      damaged: z
        .array(z.object({ task_id: z.string(), project: z.string(), code: z.string() }))
        .describe("Tasks that belong here, and cannot be read"),
    }),
    example: {
      tasks: [{ ...taskMetadataExample, project: "duration" }],
      has_more: false,
      next_cursor: null,
      damaged: [],
    },
  },
  problems: [],
  async handle({ store, query: { project, limit, cursor } }) {
    const tasks = taskStore(store);
    const after = cursor === undefined ? undefined : readCursor(cursor);
    const found: unknown[] = [];
    const damaged: Array<{ task_id: string; project: string; code: string }> = [];
    const projects = project === undefined ? valueOf(await tasks.projects()) : [project];
    let last: Place | undefined;
    for (const name of projects) {
      if (after !== undefined && isBefore(name, after.project)) continue;
      for (const task_id of valueOf(await tasks.list(name))) {
        if (after?.project === name && !isBefore(after.id, task_id)) continue;
        if (found.length + damaged.length === limit) {
          return jsonReply({ tasks: found, has_more: true, next_cursor: writeCursor(last), damaged });
        }
        last = { project: name, id: task_id };
        const metadata = await tasks.metadata(task_id);
        if (metadata.ok) found.push({ ...metadata.value, project: name });
        else if (metadata.error.code !== "NOT_FOUND") {
          damaged.push({ task_id, project: name, code: metadata.error.code });
        }
      }
    }
    return jsonReply({ tasks: found, has_more: false, next_cursor: null, damaged });
  },
});

const one = defineRoute({
  path: "/tasks/{task_id}",
  operationId: "getTask",
  tag: "records",
  summary: "A task",
  description: "One task, exactly as it was saved.",
  params: z.object({ task_id: pathIdSchema }),
  answer: { description: "The task", schema: taskSchema, example: taskExample },
  problems: ["NOT_FOUND", "RECORD_DAMAGED"],
  async handle({ store, params: { task_id } }) {
    const task = await taskStore(store).load(task_id);
    if (!task.ok && task.error.code === "NOT_FOUND") throw unknown("task", task_id);
    return jsonReply(valueOf(task));
  },
});

function valueOf<T>(result: TaskResult<T>): T {
  if (result.ok) return result.value;
  throw problemOfTask(result.error);
}

/** Failures of tasks are values; their messages name paths, and stay here. */
function problemOfTask({ code, message }: TaskFailure): ProblemError {
  const cause = new Error(message);
  const details = { code };
  if (code === "JSON" || code === "VALIDATION") {
    const text = "The record is damaged and cannot be read back; run holdfast verify where this server runs";
    return new ProblemError("RECORD_DAMAGED", text, { details, cause });
  }
  if (code === "NOT_FOUND") return new ProblemError("NOT_FOUND", "Not found: there is nothing of that id");
  if (code === "IO") {
    return new ProblemError("STORE_UNAVAILABLE", "The store cannot be read now; this server's log says why", {
      details,
      cause,
    });
  }
  return new ProblemError("INTERNAL_ERROR", "The server failed to answer; its log says why", { cause });
}

interface Place {
  readonly project: string;
  readonly id: string;
}

function writeCursor(place: Place | undefined): string {
  return Buffer.from(JSON.stringify([place?.project, place?.id])).toString("base64url");
}

function readCursor(cursor: string): Place {
  try {
    const place: unknown = JSON.parse(Buffer.from(cursor, "base64url").toString("utf8"));
    const [project, id] = z.tuple([z.string(), z.string()]).parse(place);
    return { project, id };
  } catch {
    return refuseParameter("query", "cursor", "is none that this server gave");
  }
}

/** The byte order of UTF-8, in which the store lists. */
function isBefore(a: string, b: string): boolean {
  return Buffer.compare(Buffer.from(a), Buffer.from(b)) < 0;
}

/** Units of work. */
export const taskRoutes = [list, one];
