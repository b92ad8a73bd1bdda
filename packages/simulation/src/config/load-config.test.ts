import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolders } from "@holdfast/test-kit";
import { describe, expect, it } from "vitest";
import { loadSimulationConfig, parseSimulationConfig } from "./load-config.ts";

const folder = temporaryFolders();

const TEXT = `kind: simulation
simulation:
  name: EconomicTest
  max_turns: 15
  checkpoint_interval: 5
agents:
  - { name: Nation_A, type: nation, initial_economic_strength: 1000.0 }
  - { name: Nation_B, type: nation }
engine: { type: economic, interest_rate: 0.05 }
validator: { type: always_valid }
`;
const parse = (text: string) => parseSimulationConfig(text, { path: "sim.yaml" });

describe("parseSimulationConfig()", () => {
  it("fills in defaults, also those of engine and agents", async () => {
    const config = await parse(
      TEXT.replace("  checkpoint_interval: 5\n", "").replace("validator: { type: always_valid }\n", ""),
    );
    expect(config.simulation).toMatchObject({
      checkpoint_interval: null,
      verbosity: "ACTION",
      checkpoint_compression: "none",
    });
    expect(config.engine).toMatchObject({ growth_rate: 0, trade_share: 0.05 });
    expect(config.agents[1]).toEqual({ name: "Nation_B", type: "nation", initial_economic_strength: 1000 });
    expect(config.validator).toEqual({ type: "always_valid" });
  });

  it("takes null for no interval, JSON, and a config without its kind", async () => {
    const config = await parse(
      TEXT.replace("interval: 5", "interval: null").replace("kind: simulation\n", ""),
    );
    assert.equal(config.simulation.checkpoint_interval, null);
    assert.deepEqual(await parse(JSON.stringify(config)), config);
  });

  it.each<[string, string, string, number, string]>([
    [
      "interval: 5",
      "interval: 0",
      "simulation.checkpoint_interval",
      5,
      "must be a positive integer, found 0",
    ],
    [
      "interval: 5",
      "interval: -5",
      "simulation.checkpoint_interval",
      5,
      "must be a positive integer, found -5",
    ],
    [
      "interval: 5",
      "interval: 2.5",
      "simulation.checkpoint_interval",
      5,
      "must be a positive integer, found 2.5",
    ],
    [
      "interval: 5",
      "interval: five",
      "simulation.checkpoint_interval",
      5,
      'must be a positive integer, found "five"',
    ],
    ["max_turns", "max_turn", "simulation.max_turn", 4, 'unknown key "max_turn"; did you mean "max_turns"?'],
    [
      "interest_rate",
      "intrest_rate",
      "engine.intrest_rate",
      9,
      'unknown key "intrest_rate"; did you mean "interest_rate"?',
    ],
    [
      "initial_economic_strength",
      "initial_economic_strenght",
      "agents[0].initial_economic_strenght",
      7,
      'unknown key "initial_economic_strenght"; did you mean "initial_economic_strength"?',
    ],
    [
      "type: economic",
      "type: economics",
      "engine.type",
      9,
      'must be one of economic, economy, epidemic, found "economics"; did you mean "economic"?',
    ],
    ["always_valid", "allways_valid", "validator.type", 10, 'did you mean "always_valid"?'],
    ["name: Nation_B", "name: Nation_A", "agents[1].name", 8, 'agent name "Nation_A" is used twice'],
    [
      "Nation_B, type: nation",
      "Nation_B, type: empire",
      "agents[1].type",
      8,
      'must be one of nation, found "empire"',
    ],
    [
      "type: economic,",
      "type: economic, module: ./e.mjs,",
      "engine.type",
      9,
      "must have a type or a module, not both",
    ],
    ["type: economic, ", "", "engine", 9, "must have a type (economic, economy, epidemic) or a module"],
    ["name: EconomicTest", 'name: ""', "simulation.name", 3, "must not be empty"],
    [
      "  checkpoint_interval: 5",
      "  verbosity: LOUD",
      "simulation.verbosity",
      5,
      "must be one of MILESTONE, DECISION, ACTION, STATE, DETAIL",
    ],
    [
      "  checkpoint_interval: 5",
      "  termination: { min_value: 5, max_value: 4 }",
      "simulation.termination",
      5,
      "min_value that is not above",
    ],
  ])("for %j as %j says place, line and reason", async (from, to, documentPath, line, message) => {
    await expect(parse(TEXT.replace(from, to))).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      documentPath,
      line,
      message: expect.stringContaining(message),
    });
  });

  it("wants agents, unless the engine knows how many there are", async () => {
    const bare = "simulation: { name: E, max_turns: 3 }\nengine: { type: epidemic, population: 50 }\n";
    expect((await parse(bare)).agents).toEqual([]);
    await expect(parse(bare.replace("epidemic, population: 50", "economic"))).rejects.toMatchObject({
      documentPath: "agents",
    });
    await expect(parse(bare.replace("50", "0"))).rejects.toMatchObject({
      documentPath: "engine.population",
      line: 2,
    });
  });

  it("refuses a workflow by its own code", async () => {
    await expect(parse("kind: workflow\nname: x\n")).rejects.toMatchObject({
      code: "CONFIG_UNSUPPORTED",
      line: 1,
    });
  });
});

const ENGINE = "export default { init: () => ({ n: 0 }), step: (state) => state };\n";
const SCHEMA = `export const engineSchema = { type: "object", properties: { depth: { type: "number", minimum: 0, default: 3 } }, additionalProperties: false };
export const agentSchema = { type: "object", properties: { boats: { type: "integer", default: 1 } }, additionalProperties: false };\n`;
const written = (files: Record<string, string>, more = ""): string => {
  const dir = folder();
  mkdirSync(join(dir, "engines"));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text);
  const path = join(dir, "sim.yaml");
  writeFileSync(
    path,
    `simulation: { name: Sea, max_turns: 3 }\nagents:\n  - { name: a${more} }\nengine: { module: ./engines/sea.mjs, depth: 5 }\n`,
  );
  return path;
};

describe("modules of a config", () => {
  it("are found from the config's folder, and their parameters are free without a schema", async () => {
    const path = written({ "engines/sea.mjs": ENGINE });
    const config = await loadSimulationConfig(path);
    expect(config.engine).toEqual({ module: join(path, "..", "engines", "sea.mjs"), depth: 5 });
  });

  it("are held against the schemas they export, with the lines of the config", async () => {
    const good = await loadSimulationConfig(written({ "engines/sea.mjs": ENGINE + SCHEMA }));
    expect(good).toMatchObject({ engine: { depth: 5 }, agents: [{ name: "a", boats: 1 }] });
    const bad = written({ "engines/sea.mjs": ENGINE + SCHEMA }, ", boat: 2");
    await expect(loadSimulationConfig(bad)).rejects.toMatchObject({
      documentPath: "agents[0].boat",
      line: 3,
      message: expect.stringContaining('did you mean "boats"?'),
    });
  });

  it.each<[string, string | undefined, string]>([
    ["is missing", undefined, "there is no such file; correct its path"],
    ["has no default export", "export const init = 1;\n", "it has no default export; write"],
    ["lacks a function", "export default { init() {} };\n", 'its default export has no function "step"'],
    [
      "has no function there",
      "export default { init() {}, step: 1 };\n",
      '"step" of its default export is no function',
    ],
    ["does not parse", "export default {\n", "Cannot load the engine"],
    ["throws", 'throw new Error("no sea");\n', "no sea"],
    ["exports no schema", `${ENGINE}export const engineSchema = 5;\n`, "its engineSchema is neither"],
  ])("say their path when one %s", async (_, text, reason) => {
    const path = written(text === undefined ? {} : { "engines/sea.mjs": text });
    await expect(loadSimulationConfig(path)).rejects.toMatchObject({
      code: "SIMULATION_MODULE",
      path: join(path, "..", "engines", "sea.mjs"),
      message: expect.stringContaining(reason),
    });
  });
});
