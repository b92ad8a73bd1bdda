import { type Command, Option } from "commander";
import type { RunFlags } from "../commands/run.ts";
import type { Action } from "./action.ts";
import { positiveNumber, wholeNumber } from "./option-values.ts";
import { verbosityOption } from "./simulations.ts";

/** Commands that run, resume and look at runs. */
export function addRunsCommands(program: Command, action: Action): void {
  program
    .command("run")
    .description("run a workflow or a simulation")
    .argument("<config>", "a config (YAML or JSON)")
    .option("--task <id>", "workflow: only this task of the config (default: each in turn)")
    .option(
      "--checkpoint-interval <n>",
      "simulation: keep every n-th turn for good, instead of what the config says",
      positiveNumber("--checkpoint-interval"),
    )
    .option("--max-turns <n>", "simulation: end after this turn", positiveNumber("--max-turns"))
    .option("--seed <n>", "simulation: seed of the random numbers", wholeNumber("--seed"))
    .addOption(verbosityOption())
    .option("--resume-from <run>", "simulation: a new run from a checkpoint of this one (a fork)")
    .option("--resume-turn <n>", "simulation: the turn of that checkpoint", wholeNumber("--resume-turn"))
    .action(
      action(async (context, config: string, flags: RunFlags) =>
        (await import("../commands/run.ts")).run(context, config, flags),
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
