import { Command } from "commander";
import { describe, expect, it } from "vitest";
import type { Action } from "./action.ts";
import { addCommands, COMMANDS } from "./commands.ts";

const action: Action = () => async () => undefined;
const program = (): Command => new Command("holdfast").option("--root <dir>").option("--json").exitOverride();
const namesOf = (command: Command): string[] => command.commands.map((one) => one.name());

function added(...args: string[]): string[] {
  const command = program();
  addCommands(command, action, args);
  return namesOf(command);
}

describe("addCommands()", () => {
  it("finds each command under its name, with those made together with it", () => {
    for (const [add, ...names] of COMMANDS.filter((one) => one.length > 1)) {
      const alone = program();
      add(alone, action);
      expect(namesOf(alone)).toEqual(names);
      for (const name of names) expect(added("--root", "run", name, "--json")).toEqual(names);
    }
  });

  it("adds all of them where no command is named, or one that there is not", () => {
    const all = added();
    expect(all).toEqual([...COMMANDS.flatMap(([, ...names]) => names), "completion"]);
    const others = [
      ["--help"],
      ["--help", "status"],
      ["statu"],
      ["completion", "bash"],
      ["complete"],
      ["--", "-5"],
    ];
    expect(others.map((args) => added(...args))).toEqual(others.map(() => all));
  });
});
