import assert from "node:assert/strict";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Json, memoryStore } from "@holdfast/storage";
import { temporaryFolders } from "@holdfast/test-kit";
import { describe, expect, it } from "vitest";
import {
  forkSimulation,
  loadSimulationConfig,
  replaySimulation,
  runSimulation,
  verifySimulation,
} from "../src/index.ts";
import { documentOf, eventsOf, stateText } from "./world.ts";

const EXAMPLES = fileURLToPath(new URL("../../../examples/", import.meta.url));
const folder = temporaryFolders();

async function runExample(name: string) {
  const place = join(folder(), name);
  cpSync(join(EXAMPLES, name), place, { recursive: true });
  const store = memoryStore();
  const config = await loadSimulationConfig(join(place, "simulation.yaml"));
  const { run_id, status } = await runSimulation({ config, store });
  assert.equal(status, "completed");
  const results = await documentOf(store, run_id, "result");
  return { store, run_id, results };
}

describe("the examples", () => {
  it("economy: modules of an engine, an agent and a validator, which replay and fork", async () => {
    const { store, run_id, results } = await runExample("economy");
    expect(results).toMatchObject({
      final_state: { turn: 30 },
      summary_stats: { termination_reason: "max_turns", treasures: { Porto: expect.any(Number) } },
    });
    expect(await replaySimulation(run_id, { store })).toMatchObject({ checkpoints_compared: [10, 20, 30] });
    const fork = await forkSimulation(run_id, 20, { store });
    expect(await stateText(store, fork.run_id, "last")).toBe(await stateText(store, run_id, "last"));
    const events = await eventsOf(store, run_id);
    const refused = events.filter(
      ({ details }) => (details as { error_type?: string }).error_type === "decision_refused",
    );
    expect(refused.length).toBeGreaterThan(0);
    const causeOf = (event: Record<string, Json> | undefined): Record<string, Json> | undefined => {
      const causes = event?.["caused_by"];
      return events.find(({ event_id }) => Array.isArray(causes) && event_id === causes[0]);
    };
    const state = events.find(
      ({ event_type, caused_by }) => event_type === "STATE" && caused_by !== undefined,
    );
    const action = causeOf(state);
    expect(action).toMatchObject({ event_type: "ACTION", agent_id: state?.["agent_id"] });
    expect(causeOf(action)).toMatchObject({ event_type: "DECISION" });
    expect(await verifySimulation(store, run_id)).toEqual([]);
  });

  it("epidemic: thousands on a network, to the end of it", async () => {
    const { store, run_id, results } = await runExample("epidemic");
    expect(results).toMatchObject({
      summary_stats: { termination_reason: "no_infections", exposed: 0, infected: 0 },
    });
    const { difference } = await replaySimulation(run_id, { store, from: 100 });
    expect(difference).toBeUndefined();
  });
});
