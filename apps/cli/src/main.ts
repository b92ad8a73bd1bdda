import { Output } from "./output.ts";
import { runProgram } from "./program.ts";

/** Runs the command with its arguments and resolves with the exit status. Nothing here ends the process. */
export async function main(args: readonly string[]): Promise<number> {
  const streams = { out: new Output(process.stdout), err: new Output(process.stderr) };
  return runProgram(args, streams);
}
