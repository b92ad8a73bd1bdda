import type { Command } from "commander";
import type { Action } from "./action.ts";

/** Commands about tasks. */
export function addTaskCommands(program: Command, action: Action): void {
  const task = program
    .command("task")
    .description("tasks: save, list, show, and what one is without the rest");

  task
    .command("save")
    .description("keep a task in the store, in place of what is there under its id")
    .argument("<file>", "a task as JSON; - for stdin")
    .action(
      action(async (context, file: string) => (await import("../commands/task.ts")).save(context, file)),
    );

  task
    .command("list")
    .description("list tasks, of one project or of all")
    .option("--project <name>", "only this project")
    .action(
      action(async (context, options: { project?: string }) =>
        (await import("../commands/task.ts")).list(context, options),
      ),
    );

  task
    .command("show")
    .description("a task, whole, as JSON")
    .argument("<id>", "task id")
    .action(action(async (context, id: string) => (await import("../commands/task.ts")).show(context, id)));

  task
    .command("meta")
    .description("what a task is: its id, status, pipeline and times, without reading the rest")
    .argument("<id>", "task id")
    .action(action(async (context, id: string) => (await import("../commands/task.ts")).meta(context, id)));
}
