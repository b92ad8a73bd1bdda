import { canonicalJson } from "@holdfast/idempotency";
import type { Json, Store } from "@holdfast/storage";
import type { Agent, Engine, RunSimulationOptions, SimulationState } from "../src/index.ts";

/** A clock that stands for each test at the same moment, and goes on a millisecond a reading. */
export function testClock(): () => bigint {
  let now = 1_767_323_045_000_000n;
  return () => {
    now += 1_000n;
    return now;
  };
}

/** What was paid for, in order, of calls that were begun. */
export type Paid = string[];

/** An engine that draws random numbers, pays for calls and listens to its agents; and an agent that does so too. */
export function payingParts(paid: Paid): { engine: Engine; agents: Record<string, Agent> } {
  const engine: Engine = {
    init: (_config, ctx) => ({ wealth: 1000, drawn: ctx.random(), answers: [] }),
    async step(state, ctx) {
      const gain = ctx.random.int(-50, 60);
      const price = await ctx.once("price", () => {
        paid.push(`${ctx.turn} price`);
        return { price: ctx.random.int(1, 100) };
      });
      const advice = await ctx.once("advice", async () => {
        paid.push(`${ctx.turn} advice`);
        await Promise.resolve();
        return ctx.random.pick(["buy", "sell"]);
      });
      const bid = ctx.decisions.get("bidder") ?? null;
      return {
        ...state,
        wealth: Number(state["wealth"]) + gain + price.price,
        drawn: ctx.random(),
        answers: [advice, price.price, bid],
      };
    },
    summarize: (state) => ({ wealth: state["wealth"] }),
  };
  const bidder: Agent = {
    decide: async (view, ctx) => ({
      action: "bid",
      amount: ctx.random.int(1, 9),
      said: await ctx.once("ask", () => {
        paid.push(`${ctx.turn} ask`);
        return ctx.random();
      }),
      saw: view.turn,
    }),
  };
  return { engine, agents: { bidder } };
}

export interface Shape {
  readonly maxTurns?: number;
  readonly interval?: number | null;
  readonly name?: string;
  readonly more?: Record<string, unknown>;
}

export function configOf({
  maxTurns = 5,
  interval = 2,
  name = "Paid",
  more = {},
}: Shape = {}): RunSimulationOptions["config"] {
  return {
    simulation: {
      name,
      max_turns: maxTurns,
      checkpoint_interval: interval,
      seed: 7,
      verbosity: "DETAIL",
      ...more,
    },
    agents: [{ name: "bidder" }],
    engine: { type: "test" },
  };
}

/** A document of a run, as it stands. */
export async function documentOf(store: Store, runId: string, name: string): Promise<Json | undefined> {
  return (await store.documents.get(`runs/${runId}/${name}`))?.value;
}

/** A state of a run, as canonical JSON. */
export async function stateText(store: Store, runId: string, checkpoint: string): Promise<string> {
  const document = await documentOf(store, runId, `checkpoints/${checkpoint}`);
  return canonicalJson((document as { state: SimulationState } | undefined)?.state ?? null);
}

/** Names of a run's checkpoints. */
export async function checkpointNames(store: Store, runId: string): Promise<string[]> {
  const { items } = await store.documents.list(`runs/${runId}/checkpoints/`);
  return items.map(({ key }) => key.split("/").at(-1) ?? "").toSorted();
}

/** Events of a run, without what differs from run to run. */
export async function eventsOf(store: Store, runId: string): Promise<Record<string, Json>[]> {
  const events: Record<string, Json>[] = [];
  for await (const { text } of store.logs.read(`runs/${runId}/events`)) events.push(JSON.parse(text));
  return events;
}
