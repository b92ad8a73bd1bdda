import assert from "node:assert/strict";
import { memoryStore, type Store } from "@holdfast/storage";
import { describe, expect, it } from "vitest";
import { parseSimulationConfig } from "../config/load-config.ts";
import { forkSimulation } from "../run/fork-simulation.ts";
import { replaySimulation } from "../run/replay-simulation.ts";
import { runSimulation } from "../run/run-simulation.ts";
import { Generator, randomOf } from "../state/random.ts";
import { BUILT_IN_VALIDATORS } from "./built-in-validators.ts";
import { contactNetwork } from "./contact-network.ts";

async function run(text: string, store: Store = memoryStore()) {
  const config = await parseSimulationConfig(text, { path: "sim.yaml" });
  const { run_id } = await runSimulation({ config, store });
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into what they expect
  const results: any = (await store.documents.get(`runs/${run_id}/result`))?.value;
  return { run_id, store, final: results.final_state, stats: results.summary_stats };
}

const ECONOMY = (
  engine: string,
): string => `simulation: { name: E, max_turns: 3, seed: 1, checkpoint_interval: 1 }
agents:
  - { name: A, initial_economic_strength: 1000 }
  - { name: B, initial_economic_strength: 500 }
engine: { type: economic, ${engine} }
`;

describe("economic", () => {
  it("earns interest and grows, exactly", async () => {
    const { final } = await run(ECONOMY("interest_rate: 0.5, growth_rate: 0.5, trade_share: 0"));
    assert.deepEqual(final.nations, [
      { economic_strength: 8000, name: "A" },
      { economic_strength: 4000, name: "B" },
    ]);
    assert.equal(final.total_strength, 12_000);
  });

  it("trades: both sides gain of what each offers", async () => {
    const { final } = await run(
      ECONOMY("interest_rate: 0, trade_share: 0.1, trade_gain: 0.5").replace("max_turns: 3", "max_turns: 1"),
    );
    // A offers 100 and B 50: both gain half of 150.
    assert.deepEqual(final.nations, [
      { economic_strength: 1075, name: "A" },
      { economic_strength: 575, name: "B" },
    ]);
    assert.equal(final.trade_volume, 150);
  });

  it("is moved by chance only as far as its volatility, and replays", async () => {
    const { final, store, run_id } = await run(
      ECONOMY("interest_rate: 0, growth_rate: 0.1, volatility: 1, trade_share: 0"),
    );
    const [a] = final.nations;
    assert.ok(a.economic_strength > 1000 && a.economic_strength < 1000 * 1.2 ** 3);
    const replayed = await replaySimulation(run_id, { store });
    expect(replayed).toMatchObject({ checkpoints_compared: [1, 2, 3] });
    expect(replayed.difference).toBeUndefined();
  });

  it("goes by the name economy too", async () => {
    const { stats } = await run(ECONOMY("interest_rate: 0").replace("type: economic", "type: economy"));
    assert.equal(stats.termination_reason, "max_turns");
  });
});

const EPIDEMIC = `simulation: { name: E, max_turns: 1000, seed: 3, checkpoint_interval: 20 }
engine: { type: epidemic, model: seir, population: 3000, transmission_rate: 0.06, initial_infected: 10 }
`;

describe("epidemic", () => {
  it("spreads among thousands, ends when nobody is infected, and a fork comes to the same end", async () => {
    const { final, stats, store, run_id } = await run(EPIDEMIC);
    assert.match(run_id, /^E_3000agents_/);
    assert.equal(stats.termination_reason, "no_infections");
    assert.equal(final.people.length, 3000);
    const { susceptible, exposed, infected, recovered } = final.counts;
    assert.equal(susceptible + recovered, 3000);
    assert.equal(exposed + infected, 0);
    assert.ok(stats.attack_rate > 0.2, String(stats.attack_rate));
    assert.ok(stats.peak_infected > 50);
    const fork = await forkSimulation(run_id, 20, { store });
    const states = await Promise.all(
      [run_id, fork.run_id].map(
        async (id) => (await store.documents.get(`runs/${id}/checkpoints/last`))?.value,
      ),
    );
    const [one, two] = states as { state: unknown }[];
    assert.deepEqual(one?.state, two?.state);
  });

  it("takes people from the config, and ends at a bound", async () => {
    const { final, stats } =
      await run(`simulation: { name: E, max_turns: 9, seed: 1, termination: { max_value: 1 } }
agents: [{ name: ann, status: infected }, { name: bob }, { name: cy }]
engine: { type: epidemic, transmission_rate: 1, recovery_rate: 0, contacts: 2, rewiring: 0 }
`);
    assert.equal(stats.termination_reason, "max_value");
    expect(final.people[0]).toMatchObject({ id: 0, name: "ann", status: "infected" });
    assert.equal(final.counts.infected, 3);
  });
});

describe("contactNetwork()", () => {
  it.each([1, 2, 3, 10, 501])("of %i people is mutual, sorted, and nobody knows themselves", (size) => {
    const random = randomOf(() => generator);
    const generator = Generator.from(size, "network");
    const network = contactNetwork(size, { contacts: 6, rewiring: 0.3 }, random);
    assert.equal(network.length, size);
    for (const [id, contacts] of network.entries()) {
      assert.ok(!contacts.includes(id));
      assert.deepEqual(
        contacts,
        [...new Set(contacts)].toSorted((a, b) => a - b),
      );
      for (const other of contacts) assert.ok(network[other]?.includes(id));
    }
  });
});

const verdict = (parameters: { type: string; [key: string]: unknown }, decision: never) =>
  BUILT_IN_VALIDATORS.get(parameters.type)
    ?.create(parameters)
    .validate(decision, {} as never);

describe("the built-in validators", () => {
  it("bounds keeps numbers in their bounds", () => {
    const bounds = { type: "bounds", fields: { amount: { min: 0, max: 10 }, "to.share": { max: 1 } } };
    assert.equal(verdict(bounds, { amount: 10, to: { share: 1 } } as never), true);
    assert.equal(verdict(bounds, { action: "hold" } as never), true);
    assert.deepEqual(verdict(bounds, { amount: -1 } as never), {
      valid: false,
      reason: "amount is -1, below 0",
    });
    assert.deepEqual(verdict(bounds, { to: { share: 2 } } as never), {
      valid: false,
      reason: "to.share is 2, above 1",
    });
    assert.deepEqual(verdict(bounds, { amount: "5" } as never), {
      valid: false,
      reason: "amount must be a number",
    });
  });

  it("schema holds decisions against a JSON Schema", () => {
    const schema = {
      type: "schema",
      schema: { type: "object", properties: { action: { enum: ["hold", "trade"] } }, required: ["action"] },
    };
    assert.equal(verdict(schema, { action: "hold" } as never), true);
    expect(verdict(schema, { action: "steal" } as never)).toMatchObject({
      valid: false,
      reason: expect.stringMatching(/^action: /),
    });
  });

  it("are checked in the config", async () => {
    const text = `${ECONOMY("interest_rate: 0")}validator: { type: bounds, fields: { amount: { mni: 0 } } }\n`;
    await expect(parseSimulationConfig(text, { path: "s.yaml" })).rejects.toMatchObject({
      documentPath: "validator.fields.amount.mni",
      line: 6,
    });
    const wrong = `${ECONOMY("interest_rate: 0")}validator: { type: schema, schema: { type: 5 } }\n`;
    await expect(parseSimulationConfig(wrong, { path: "s.yaml" })).rejects.toMatchObject({
      code: "CONFIG_INVALID",
    });
  });
});
