import { fileURLToPath } from "node:url";

/** This very command as a program and its arguments: what a program named `holdfast` in a config stands for. */
function ownCommand(): readonly string[] {
  // The bundle is dist/*.js, the sources src/*.ts: bin lies beside both.
  return [process.execPath, fileURLToPath(new URL("../bin/holdfast.js", import.meta.url))];
}

/** Replaces a program named `holdfast` by this very command. */
export function withOwnCommand(cmd: readonly string[]): readonly string[] {
  return cmd[0] === "holdfast" ? [...ownCommand(), ...cmd.slice(1)] : cmd;
}
