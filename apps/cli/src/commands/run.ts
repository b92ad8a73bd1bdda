import { type ConfigKind, configKind, readConfig } from "@holdfast/config";
import type { Context } from "../context.ts";
import { CommandError, EXIT } from "../failure.ts";
import type { RunSimulationFlags } from "./run-simulation.ts";
import { requireRun } from "./runs.ts";

/** Options of `run`: those of both kinds. */
export interface RunFlags extends RunSimulationFlags {
  readonly task?: string;
}

/** The options that only one kind of config takes, as they are typed. */
const FLAGS_OF: Readonly<Record<ConfigKind, Readonly<Partial<Record<keyof RunFlags, string>>>>> = {
  workflow: { task: "--task" },
  simulation: {
    checkpointInterval: "--checkpoint-interval",
    maxTurns: "--max-turns",
    seed: "--seed",
    verbosity: "--verbosity",
    resumeFrom: "--resume-from",
    resumeTurn: "--resume-turn",
  },
};

/** Runs what a config is of: a workflow or a simulation. */
export async function run(context: Context, path: string, flags: RunFlags): Promise<number> {
  const kind = configKind(readConfig(path));
  refuseForeignFlags(path, kind, flags);
  if (kind === "workflow") return (await import("./run-workflow.ts")).runWorkflowConfig(context, path, flags);
  return (await import("./run-simulation.ts")).runSimulationConfig(context, path, flags);
}

/** Goes on with a run of either kind. */
export async function resume(context: Context, runId: string): Promise<number> {
  const { kind } = await requireRun(context.store(), runId);
  if (kind === "workflow") return (await import("./run-workflow.ts")).resumeWorkflowRun(context, runId);
  return (await import("./run-simulation.ts")).resumeSimulationRun(context, runId);
}

function refuseForeignFlags(path: string, kind: ConfigKind, flags: RunFlags): void {
  const other = kind === "workflow" ? "simulation" : "workflow";
  for (const [name, flag] of Object.entries(FLAGS_OF[other])) {
    if (Reflect.get(flags, name) === undefined) continue;
    throw new CommandError(
      "USAGE",
      `Cannot use ${flag} with "${path}": it is a ${kind}, and ${flag} is for a ${other}`,
      EXIT.usage,
    );
  }
}
