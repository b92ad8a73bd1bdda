import { execFileSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execPath } from "node:process";
import { fileURLToPath } from "node:url";
import { runSimulation } from "@holdfast/simulation";
import { fileStore } from "@holdfast/storage";
import {
  type Benchmark,
  type BenchmarkRow,
  compareInTurn,
  environment,
  type Measured,
  median,
} from "./harness.ts";

const BARE = "node -e 0";
const PROGRAM = join(import.meta.dirname, "..", "..", "apps", "cli", "bin", "holdfast.js");

/** What a program with this command line library takes that says hello and nothing else. */
const HELLO = `
import { Command } from ${JSON.stringify(fileURLToPath(import.meta.resolve("commander")))};
const program = new Command("hello").description("says hello").argument("[name]").option("--loud", "in capitals");
program.action((name) => console.log("hello", name));
program.parse();
`;

/** A store as somebody finds it: a few runs, some of them not finished. */
async function writeStore(root: string): Promise<void> {
  await using store = fileStore(root);
  for (let count = 0; count < 5; count++) {
    const stop = new AbortController();
    await runSimulation({
      store,
      config: {
        simulation: { name: `Tides ${count}`, max_turns: 5, seed: 1 },
        agents: [{ name: "Sea" }],
        engine: { type: "bench" },
      },
      engine: { init: () => ({ water: 1 }), step: (state) => state },
      signal: stop.signal,
      onTurn: ({ turn }) => {
        if (count < 2 && turn === 3) stop.abort();
      },
    });
  }
}

/** By how much a program takes longer than bare Node, in the same rounds. */
function above(one: Measured, bare: Measured): number {
  return median(one.times.map((time, round) => time - (bare.times[round] ?? Number.NaN)));
}

/** The command as it is installed: built, without a compiler in it. */
export const benchmark: Benchmark = {
  name: "startup",
  async run({ quick }) {
    if (!existsSync(join(PROGRAM, "..", "..", "dist", "main.js")))
      throw new Error("The command is not built; npm run bench builds it first");
    const folder = await mkdtemp(join(tmpdir(), "holdfast-bench-startup-"));
    try {
      await writeStore(join(folder, ".holdfast"));
      const hello = join(folder, "hello.mjs");
      writeFileSync(hello, HELLO);
      const start = (...args: string[]) => execFileSync(execPath, args, { cwd: folder, encoding: "utf8" });
      const programs = [
        { subject: BARE, kind: "limit", args: ["-e", "0"], says: "", most: undefined },
        {
          subject: "commander hello --help",
          kind: "peer",
          args: [hello, "--help"],
          says: "Usage: hello",
          most: undefined,
        },
        {
          subject: "holdfast --help",
          kind: "ours",
          args: [PROGRAM, "--help"],
          says: "Usage: holdfast",
          most: 50,
        },
        { subject: "holdfast status", kind: "ours", args: [PROGRAM, "status"], says: "Tides 0", most: 80 },
      ] as const;
      const measured = await compareInTurn(
        programs.map(({ subject, kind, args, says }) => ({
          subject,
          kind,
          run: () => {
            if (!start(...args).includes(says)) throw new Error(`"${subject}" does not say "${says}"`);
          },
        })),
        { rounds: quick ? 7 : 41, warmup: 2 },
      );
      const [bare] = measured;
      const rows = measured.map((one, index): BenchmarkRow => {
        const { subject, kind } = one;
        const more = bare === undefined ? 0 : above(one, bare);
        const row: BenchmarkRow = {
          job: "start, answer, end",
          subject,
          kind,
          median: one.median,
          unit: "ms",
        };
        if (one === bare) return row;
        const note = `${more.toFixed(1)} ms above bare Node`;
        const most = programs[index]?.most;
        if (most === undefined) return { ...row, note };
        return { ...row, note, goal: `at most ${most} ms above bare Node`, met: more <= most };
      });
      return { name: "startup", rows, environment: environment() };
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};
