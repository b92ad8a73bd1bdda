import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Place } from "./command.ts";

/** The configuration printed in the formats of the project, as it stands there. */
export const FORMATS_CONFIG = `kind: simulation
simulation:
  name: EconomicTest
  max_turns: 15
  checkpoint_interval: 5        # a positive integer; null or absent: only \`last\` and \`final\`
  seed: 42
  verbosity: ACTION
  termination: { min_value: 0, max_value: 10000 }
agents:
  - { name: Nation_A, type: nation, initial_economic_strength: 1000.0 }
  - { name: Nation_B, type: nation, initial_economic_strength: 1000.0 }
engine: { type: economic, interest_rate: 0.05 }   # a built-in, or { module: ./engine.mjs, ... }
validator: { type: always_valid }
`;

/** What of the usual simulation with an engine of its own is different in a test. */
export interface Simulated {
  readonly name?: string;
  readonly maxTurns?: number;
  readonly interval?: number | null;
  readonly seed?: number;
  /** Milliseconds that each turn takes. */
  readonly delayMs?: number;
  /** Milliseconds that each paid call takes. */
  readonly callMs?: number;
  /** The text of the engine, in place of the usual one. */
  readonly engine?: string;
  /** More keys of `simulation`. */
  readonly more?: Record<string, unknown>;
}

/**
 * An engine that draws random numbers and pays for two calls a turn through `ctx.once`. What is paid is written to a file outside the
 * store when the call begins, so that a call that a kill interrupted counts.
 */
const ENGINE = `import { createHash } from "node:crypto";
import { appendFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const DELAY = Number(process.env.TEST_DELAY_MS ?? 0);
const CALL = Number(process.env.TEST_CALL_MS ?? 0);
const STOP_AT = Number(process.env.TEST_STOP_AT ?? 0);

/** A service outside: the same question has the same answer. */
async function ask(ctx, question) {
  return ctx.once(question, async () => {
    appendFileSync(new URL("./paid.txt", import.meta.url), \`\${ctx.turn} \${question}\\n\`);
    if (CALL > 0) await sleep(CALL);
    return { answer: createHash("sha256").update(\`\${question} \${ctx.turn}\`).digest("hex"), luck: ctx.random.int(0, 1000) };
  });
}

export default {
  init(config, ctx) {
    return { wealth: 1000, drawn: [ctx.random()], answers: [], luck: [] };
  },
  async step(state, ctx) {
    // As if the power went: after the turn before was kept, and before this one is.
    if (ctx.turn === STOP_AT) process.kill(process.pid, "SIGKILL");
    const gain = ctx.random.int(-50, 60);
    const price = await ask(ctx, "price");
    const advice = await ask(ctx, "advice");
    if (DELAY > 0) await sleep(DELAY);
    return {
      ...state,
      wealth: state.wealth + gain,
      drawn: [...state.drawn, ctx.random()].slice(-20),
      answers: [...state.answers, price.answer.slice(0, 8) + advice.answer.slice(0, 8)].slice(-20),
      luck: [...state.luck, price.luck, advice.luck].slice(-20),
    };
  },
};
`;

/** Writes a simulation with an engine module into a folder. */
export function writeSimulation(dir: string, simulated: Simulated = {}): void {
  writeFileSync(join(dir, "engine.mjs"), simulated.engine ?? ENGINE);
  const config = {
    kind: "simulation",
    simulation: {
      name: simulated.name ?? "Paid",
      max_turns: simulated.maxTurns ?? 12,
      ...(simulated.interval === null ? {} : { checkpoint_interval: simulated.interval ?? 4 }),
      seed: simulated.seed ?? 7,
      verbosity: "MILESTONE",
      ...simulated.more,
    },
    agents: [{ name: "Nation_A", type: "nation" }],
    engine: { module: "./engine.mjs" },
  };
  writeFileSync(join(dir, "simulation.yaml"), JSON.stringify(config, null, 2));
}

/** The environment that makes turns and paid calls of the usual engine take time. */
export function slowly(delayMs: number, callMs = 0): Record<string, string> {
  return { TEST_DELAY_MS: String(delayMs), TEST_CALL_MS: String(callMs) };
}

/** What was paid, a line a call, `turn name`. */
export function paidCalls(place: Place): string[] {
  const path = place.path("paid.txt");
  return existsSync(path) ? readFileSync(path, "utf8").trimEnd().split("\n") : [];
}

/** A file of a run, parsed. */
// oxlint-disable-next-line typescript/no-explicit-any -- tests look into what they expect
export function readRun(place: Place, run: string, ...path: string[]): any {
  return JSON.parse(readFileSync(join(place.store, "runs", run, ...path), "utf8"));
}

/** The names in a folder of a run, sorted; none when it is not there. */
export function namesOf(place: Place, run: string, ...path: string[]): string[] {
  const folder = join(place.store, "runs", run, ...path);
  return existsSync(folder) ? readdirSync(folder).toSorted() : [];
}

/** A value as canonical JSON, for values that hold no text beyond ASCII keys: keys sorted, no spaces. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

/** Runs a simulation to its end, and gives the id of its run. */
export function completed(place: Place, args: readonly string[] = ["run", "simulation.yaml"]): string {
  const result = place.quick([...args, "--json"]);
  assert.equal(result.status, 0, result.stderr + result.stdout);
  return JSON.parse(result.stdout).run_id;
}
