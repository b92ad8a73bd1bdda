import { type Command, InvalidArgumentError, Option } from "commander";
import type { CreateOptions } from "../commands/job-create.ts";
import type { SteerOptions } from "../commands/job-steer.ts";
import type { StepOptions } from "../commands/job-step.ts";
import type { Action } from "./action.ts";

/** What a person does with a job, and what that means. */
const STEERING = [
  ["activate", "let its agents begin: DRAFT to PENDING"],
  ["approve", "take its result: SUCCESS"],
  ["reject", "send it back to the worker, who is told the reason"],
  ["resubmit", "after an intervention: back to the worker"],
  ["review", "after an intervention: on to the supervisor"],
  ["pause", "stop its worker for now; a step that is under way is gone on with later"],
  ["suspend", "put it aside, whatever it does"],
  ["resume", "go on after pause or suspend"],
  ["rerun", "begin a new attempt; the history stays"],
  ["cancel", "give it up"],
  ["terminate", "after an intervention: give it up"],
] as const;

interface Phase {
  readonly name: string;
  readonly active_agent: string;
}

function phase(text: string, before: readonly Phase[] = []): Phase[] {
  const at = text.indexOf("=");
  if (at < 1 || at === text.length - 1)
    throw new InvalidArgumentError("it takes NAME=AGENT, such as build=builder");
  return [...before, { name: text.slice(0, at), active_agent: text.slice(at + 1) }];
}

const byOption = (): Option =>
  new Option("--by <name>", "who does this, for the history (default: the user's name)");
const configOption = (): Option =>
  new Option("--config <file>", "take this workflow config from now on, in place of the kept copy");

/** Commands about jobs. */
export function addJobCommands(program: Command, action: Action): void {
  const job = program.command("job").description("tasks that a person steers through a state machine");
  addMaking(job, action);
  addLooking(job, action);
  addStepping(job, action);
  for (const [name, description] of STEERING) {
    job
      .command(name)
      .description(description)
      .argument("<job>", "job id")
      .option("--reason <text>", "why, for the history")
      .addOption(byOption())
      .action(
        action(async (context, id: string, options: SteerOptions) =>
          (await import("../commands/job-steer.ts")).steer(context, id, name, options),
        ),
      );
  }
}

function addMaking(job: Command, action: Action): void {
  job
    .command("create")
    .description("make a job, as DRAFT; agents come from a workflow config, which is copied")
    .option("--description <text>", "what is to be done (default: the goal of the task)")
    .option("--config <file>", "a workflow config: agents, workspace, policy")
    .option("--task <id>", "a task of the config: goal, inputs and expected outputs come from it")
    .option("--id <id>", "id of the job (default: a new one)")
    .option("--workspace <dir>", "folder its agents work in (default: the config's)")
    .option("--worker <agent>", "agent of the phase work (default: worker or builder)")
    .option("--supervisor <agent>", "agent of the phase review (default: supervisor or reviewer)")
    .option(
      "--phase <name=agent>",
      "in place of these two; repeat it, the last one is the supervisor's",
      phase,
    )
    .addOption(byOption())
    .action(
      action(async (context, options: CreateOptions) =>
        (await import("../commands/job-create.ts")).create(context, options),
      ),
    );
}

function addLooking(job: Command, action: Action): void {
  job
    .command("list")
    .description("list jobs")
    .option("--status <status>", "only this status")
    .action(
      action(async (context, options: { status?: string }) =>
        (await import("../commands/job-status.ts")).list(context, options),
      ),
    );
  job
    .command("status")
    .description("where a job stands, what it cost, who works on it, what may be done")
    .argument("<job>", "job id")
    .action(
      action(async (context, id: string) => (await import("../commands/job-status.ts")).status(context, id)),
    );
  job
    .command("history")
    .description("everything that happened to a job, in order")
    .argument("<job>", "job id")
    .action(
      action(async (context, id: string) => (await import("../commands/job-status.ts")).history(context, id)),
    );
}

function addStepping(job: Command, action: Action): void {
  job
    .command("step")
    .description("one step by the agent of its phase")
    .argument("<job>", "job id")
    .addOption(configOption())
    .addOption(byOption())
    .action(
      action(async (context, id: string, options: StepOptions) =>
        (await import("../commands/job-step.ts")).step(context, id, options),
      ),
    );
  job
    .command("run")
    .description("step after step, until it is a person's turn")
    .argument("<job>", "job id")
    .addOption(configOption())
    .addOption(byOption())
    .action(
      action(async (context, id: string, options: StepOptions) =>
        (await import("../commands/job-step.ts")).run(context, id, options),
      ),
    );
  job
    .command("restep")
    .description("take the last step back (it stays in the history, marked) and make it again")
    .argument("<job>", "job id")
    .option("--reason <text>", "why, for the history")
    .addOption(configOption())
    .addOption(byOption())
    .action(
      action(async (context, id: string, options: StepOptions) =>
        (await import("../commands/job-step.ts")).restep(context, id, options),
      ),
    );
}
