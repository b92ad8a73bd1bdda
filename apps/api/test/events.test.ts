import assert from "node:assert/strict";
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import * as fc from "fast-check";
import { describe, it } from "vitest";
import { eventLine, idOf, timeOf, world } from "./support/world.ts";

interface Event {
  readonly event_id: string;
  readonly timestamp: string;
  readonly turn_number: number;
  readonly event_type: string;
  readonly agent_id?: string;
  readonly details: Record<string, unknown>;
}

interface Page {
  readonly events: readonly Event[];
  readonly total: number;
  readonly has_more: boolean;
  readonly next_cursor: string | null;
}

async function page(url: string, query: string | URLSearchParams = ""): Promise<Page> {
  const answer = await fetch(`${url}simulations/sim/events?${query.toString()}`);
  const text = await answer.text();
  assert.equal(answer.status, 200, text);
  return JSON.parse(text) as Page;
}

const TYPES = ["MILESTONE", "DECISION", "ACTION", "STATE", "DETAIL", "SYSTEM"] as const;

/** The time of one of these events, in UTC. */
function at({ timestamp }: Event): string {
  return timestamp.includes("+") ? timeOf(100) : timestamp;
}

/** 300 events in three files, in no order, some at the same time, one of them with an offset, with damage between. */
function handWritten(): {
  readonly files: Readonly<Record<string, string>>;
  readonly sorted: readonly Event[];
} {
  const events = Array.from({ length: 300 }, (_, number) => ({
    event_id: idOf(number),
    timestamp: number % 7 === 0 ? "2026-01-02T05:04:05.000100+02:00" : timeOf((number * 37) % 300),
    turn_number: number % 11,
    event_type: TYPES[number % 6] ?? "ACTION",
    simulation_id: "sim",
    ...(number % 6 === 0 || number % 6 === 5 ? {} : { agent_id: `agent-${number % 5}` }),
    details: { number },
  }));
  const part = (from: number, to: number): string =>
    events
      .slice(from, to)
      .map((event) => `${JSON.stringify(event)}\n`)
      .join("");
  const files = {
    "events_2026-01-01_00-00-00.jsonl": part(0, 100),
    "events_2026-01-01_00-00-01.jsonl": `${part(100, 150)}{"torn": \n[]\n${part(150, 200)}`,
    "events.jsonl": `${part(200, 300)}{"event_id":"torn`,
  };
  const sorted = events.toSorted((a, b) =>
    at(a) < at(b) ? -1 : at(a) > at(b) ? 1 : a.event_id < b.event_id ? -1 : 1,
  );
  return { files, sorted };
}

describe("a page of events", () => {
  it("is what a scan by hand gives, for every filter and page", { timeout: 60_000 }, async () => {
    await using here = world();
    const { files, sorted } = handWritten();
    for (const [name, text] of Object.entries(files)) here.write(`runs/sim/${name}`, text);
    const { url } = await here.serve();
    const bound = fc.option(fc.nat({ max: 12 }), { nil: undefined });
    const moment = fc.option(fc.nat({ max: 320 }), { nil: undefined });
    await fc.assert(
      fc.asyncProperty(
        fc.subarray([...TYPES]),
        fc.subarray(["agent-0", "agent-1", "agent-4", "nobody"]),
        bound,
        bound,
        moment,
        moment,
        fc.integer({ min: 1, max: 120 }),
        async (types, agents, low, high, since, until, limit) => {
          if (low !== undefined && high !== undefined && low > high) return;
          if (since !== undefined && until !== undefined && since > until) return;
          const wanted = sorted.filter(
            (event) =>
              (types.length === 0 || types.includes(event.event_type as (typeof TYPES)[number])) &&
              (agents.length === 0 || (event.agent_id !== undefined && agents.includes(event.agent_id))) &&
              event.turn_number >= (low ?? 0) &&
              event.turn_number <= (high ?? 99) &&
              (since === undefined || at(event) >= timeOf(since)) &&
              (until === undefined || at(event) <= timeOf(until)),
          );
          const query = new URLSearchParams({ limit: String(limit) });
          for (const type of types) query.append("event_types", type);
          for (const agent of agents) query.append("agent_ids", agent);
          if (low !== undefined) query.set("turn_start", String(low));
          if (high !== undefined) query.set("turn_end", String(high));
          if (since !== undefined) query.set("start_timestamp", timeOf(since));
          if (until !== undefined) query.set("end_timestamp", timeOf(until));
          const found: Event[] = [];
          for (let cursor: string | null = ""; cursor !== null; ) {
            if (cursor !== "") query.set("cursor", cursor);
            const answer: Page = await page(url, query);
            assert.equal(answer.total, wanted.length);
            assert.equal(answer.has_more, answer.next_cursor !== null);
            found.push(...answer.events);
            cursor = answer.next_cursor;
          }
          assert.deepEqual(found, wanted);
          query.delete("cursor");
          query.set("offset", String(Math.floor(wanted.length / 2)));
          const middle = await page(url, query);
          const start = Math.floor(wanted.length / 2);
          assert.deepEqual(middle.events, wanted.slice(start, start + limit));
        },
      ),
      { numRuns: 40 },
    );
  });

  it("says how many lines are damaged, in its header and in the metrics", async () => {
    await using here = world();
    const { files } = handWritten();
    for (const [name, text] of Object.entries(files)) here.write(`runs/sim/${name}`, text);
    here.write("runs/whole/events.jsonl", eventLine(1));
    const { url } = await here.serve();
    const damaged = await fetch(`${url}simulations/sim/events?limit=1`);
    assert.equal(damaged.headers.get("x-holdfast-corrupt-lines"), "2");
    const whole = await fetch(`${url}simulations/whole/events`);
    assert.equal(whole.headers.get("x-holdfast-corrupt-lines"), null);
    const metrics = await (await fetch(`${url}metrics`)).text();
    assert.match(metrics, /^holdfast_corrupt_lines\{simulation_id="sim"\} 2$/m);
    assert.match(
      metrics,
      /^holdfast_http_requests_total\{method="GET",route="\/simulations\/\{simulation_id\}\/events",status="200"\} 2$/m,
    );
  });

  it("takes bounds as inclusive, offsets that were not encoded, and refuses what excludes itself", async () => {
    await using here = world();
    here.write("runs/sim/events.jsonl", eventLine(1) + eventLine(2) + eventLine(3));
    const { url } = await here.serve();
    const totalOf = async (query: string): Promise<number> => (await page(url, query)).total;
    assert.equal(await totalOf(`start_timestamp=${timeOf(2)}`), 2);
    assert.equal(await totalOf(`end_timestamp=${timeOf(2)}`), 2);
    assert.equal(await totalOf(`start_timestamp=${timeOf(2)}&end_timestamp=${timeOf(2)}`), 1);
    assert.equal(await totalOf("start_timestamp=2026-01-02T04:04:05.000002+01:00"), 2);
    assert.equal(await totalOf("start_timestamp=2026-01-02T02:04:05.000002-01:00"), 2);
    assert.equal(await totalOf("turn_start=0&turn_end=0"), 3);
    assert.equal((await page(url, "limit=10000")).events.length, 3);
    assert.equal((await page(url, "offset=9007199254740")).events.length, 0);
    for (const query of [
      "turn_start=2&turn_end=1",
      `start_timestamp=${timeOf(2)}&end_timestamp=${timeOf(1)}`,
      "offset=0&cursor=x",
      "cursor=x",
      "cursor=eyJhIjoxfQ",
      "limit=0",
      "limit=10001",
      "turn_end=-1",
      "event_type=ACTION",
      "limit=5&limit=6",
      "agent_ids=100%",
      "agent_ids=%ff",
      "agent_ids=%c0%ae",
      "agent_ids=%zz",
    ]) {
      const answer = await fetch(`${url}simulations/sim/events?${query}`);
      assert.equal(answer.status, 400, `${query}: ${await answer.text()}`);
    }
  });

  it.each([
    ["limit=-1", "limit", "must be a whole number from 1 to 10000"],
    ["limit=1e3", "limit", "must be a whole number from 1 to 10000"],
    ["limit=99999999999999999999", "limit", "must be a whole number from 1 to 10000"],
    ["offset=x", "offset", "must be a whole number from 0"],
    ["turn_start=1.5", "turn_start", "must be a whole number from 0"],
    [
      "event_types=action",
      "event_types",
      "must be one of MILESTONE, DECISION, ACTION, STATE, DETAIL, SYSTEM",
    ],
    ["agent_ids=", "agent_ids", "must not be empty"],
    ["cursor=", "cursor", "must not be empty"],
    ["start_timestamp=x", "start_timestamp", /^must be an RFC 3339 timestamp such as/],
    ["end_timestamp=2026-02-30T00:00:00Z", "end_timestamp", "must be a moment that exists"],
    ["agent_ids=%ff", "query", "is not encoded in percent encoding and UTF-8"],
  ])("says of %s what is wrong with it, once and in words", async (query, name, message) => {
    await using here = world();
    here.write("runs/sim/events.jsonl", eventLine(1));
    const { url } = await here.serve();
    const answer = await fetch(`${url}simulations/sim/events?${query}`);
    const { details } = (await answer.json()) as { details: { issues: Array<Record<string, string>> } };
    const [issue = {}, ...more] = details.issues;
    assert.deepEqual([answer.status, more, issue["in"], issue["name"]], [400, [], "query", name]);
    if (typeof message === "string") assert.equal(issue["message"], message);
    else assert.match(issue["message"] ?? "", message);
  });

  it("shows what another program appends and rotates, at once", async () => {
    await using here = world();
    here.write("runs/sim/events.jsonl", eventLine(1));
    const { url } = await here.serve();
    assert.equal((await page(url)).total, 1);
    appendFileSync(join(here.root, "runs/sim/events.jsonl"), eventLine(2));
    assert.equal((await page(url)).total, 2);
    here.write("runs/sim/events_2026-01-01_00-00-00.jsonl", eventLine(1) + eventLine(2));
    here.write("runs/sim/events.jsonl", eventLine(3));
    assert.deepEqual(
      (await page(url)).events.map(({ event_id }) => event_id),
      [1, 2, 3].map(idOf),
    );
  });
});

describe("unknown things", () => {
  it("are 404, each named; a run without events has an empty page", async () => {
    await using here = world();
    here.write("runs/sim/events.jsonl", eventLine(1));
    here.write("runs/silent/run.json", "{}");
    const { url } = await here.serve();
    const detailOf = async (path: string): Promise<string> => {
      const answer = await fetch(url + path);
      assert.equal(answer.status, 404, path);
      return ((await answer.json()) as { detail: string }).detail;
    };
    for (const path of [
      "simulations/no/events",
      `simulations/no/events/${idOf(1)}`,
      `simulations/no/causality/${idOf(1)}`,
      "simulations/no/events/stream",
    ]) {
      assert.match(await detailOf(path), /no simulation "no"/);
    }
    for (const path of [`simulations/sim/events/${idOf(9)}`, `simulations/sim/causality/${idOf(9)}`]) {
      assert.match(await detailOf(path), new RegExp(`no event "${idOf(9)}"`));
    }
    const empty = await fetch(`${url}simulations/silent/events`);
    assert.deepEqual(await empty.json(), { events: [], total: 0, has_more: false, next_cursor: null });
  });
});

function cause(number: number, ...causes: string[]): string {
  return eventLine(number, { caused_by: causes });
}

function idsIn(levels: ReadonlyArray<{ readonly events: readonly Event[] }>): string[][] {
  return levels.map(({ events }) => events.map(({ event_id }) => event_id));
}

describe("causality", () => {
  it("goes both ways by levels, through cycles and unknown causes, as deep as asked", async () => {
    await using here = world();
    here.write(
      "runs/sim/events.jsonl",
      cause(1, idOf(5)) +
        cause(2, idOf(1)) +
        cause(3, idOf(2), "unknown") +
        cause(4, idOf(3)) +
        cause(5, idOf(4)),
    );
    const { url } = await here.serve();
    const ask = async (query: string) => {
      const answer = await fetch(`${url}simulations/sim/causality/${idOf(3)}${query}`);
      return (await answer.json()) as Record<
        "upstream" | "downstream",
        ReadonlyArray<{ events: Event[]; missing: string[] }>
      >;
    };
    const whole = await ask("?depth=20");
    assert.deepEqual(
      idsIn(whole.upstream),
      [2, 1, 5, 4].map((number) => [idOf(number)]),
    );
    assert.deepEqual(
      idsIn(whole.downstream),
      [4, 5, 1, 2].map((number) => [idOf(number)]),
    );
    assert.deepEqual(whole.upstream[0]?.missing, ["unknown"]);
    assert.equal((await ask("?depth=2")).upstream.length, 2);
    for (const depth of ["0", "21", "x", ""]) {
      assert.equal((await fetch(`${url}simulations/sim/causality/${idOf(3)}?depth=${depth}`)).status, 400);
    }
  });
});
