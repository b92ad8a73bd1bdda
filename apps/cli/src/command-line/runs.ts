import { type Command, Option } from "commander";
import type { Action } from "./action.ts";
import { wholeNumber } from "./option-values.ts";

/** Commands that run, resume and look at runs. */
export function addRunsCommands(program: Command, action: Action): void {
  program
    .command("run")
    .description("run a workflow")
    .argument("<config>", "a workflow config (YAML or JSON)")
    .option("--task <id>", "only this task of the config (default: each in turn)")
    .action(
      action(async (context, config: string, options: { task?: string }) =>
        (await import("../commands/run.ts")).run(context, config, options),
      ),
    );

  program
    .command("resume")
    .description("go on with a run from its last durable point; finished steps are not repeated")
    .argument("<run>", "run id")
    .action(
      action(async (context, run: string) => (await import("../commands/run.ts")).resume(context, run)),
    );

  program
    .command("runs")
    .description("list runs, newest first")
    .addOption(new Option("--kind <kind>", "only this kind").choices(["simulation", "workflow"]))
    .addOption(
      new Option("--status <status>", "only this status").choices([
        "running",
        "completed",
        "failed",
        "aborted",
      ]),
    )
    .option("--limit <n>", "at most this many", wholeNumber("--limit"))
    .action(
      action(async (context, options: { kind?: string; status?: string; limit?: number }) =>
        (await import("../commands/runs.ts")).runs(context, options),
      ),
    );

  program
    .command("status")
    .description("where a run stands (default: every run that is not finished)")
    .argument("[run]", "run id")
    .action(
      action(async (context, run: string | undefined) =>
        (await import("../commands/status.ts")).status(context, run),
      ),
    );

  program
    .command("show")
    .description("everything about a run")
    .argument("<run>", "run id")
    .option("--transcript", "its readable story alone")
    .action(
      action(async (context, run: string, options: { transcript?: boolean }) =>
        (await import("../commands/status.ts")).show(context, run, options),
      ),
    );
}
