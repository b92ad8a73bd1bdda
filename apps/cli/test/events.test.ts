import assert from "node:assert/strict";
import { appendFileSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "vitest";
import { Place } from "./support/command.ts";

const idOf = (n: number): string => `01KDZ0Q7E2${String(n).padStart(16, "0")}`;

function lineOf(n: number, more: Record<string, unknown> = {}): string {
  const event = {
    event_id: idOf(n),
    timestamp: `2026-01-02T03:04:0${n}Z`,
    turn_number: n,
    event_type: "ACTION",
    simulation_id: "sim",
    agent_id: n % 2 === 0 ? "Ada" : "Ben",
    details: { action_type: "buy", action_payload: n },
    ...more,
  };
  return `${JSON.stringify(event)}\n`;
}

/** A stream as another program may leave it: three files, out of order, a cycle, a cause that is not there, a line that is none, a torn one. */
function written(): Place {
  const place = new Place("events");
  const folder = join(place.store, "runs", "sim");
  mkdirSync(folder, { recursive: true });
  const files = {
    "events_2026-01-02_03-04-02.jsonl":
      lineOf(2, { caused_by: [idOf(1)] }) + lineOf(1, { caused_by: [idOf(3)] }),
    "events_2026-01-02_03-04-04.jsonl": `${lineOf(3, { caused_by: [idOf(2)] })}no event\n`,
    "events.jsonl": `${lineOf(4, { caused_by: [idOf(3), idOf(9)], event_type: "STATE", details: { variable_name: "price", old_value: 1, new_value: 2 } })}{"event_id":`,
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return place;
}

function idsIn(text: string): number[] {
  return [...text.matchAll(/01KDZ0Q7E20+(\d)/g)].map(([, digit]) => Number(digit));
}

describe("holdfast events", { timeout: 60_000 }, () => {
  it("prints what the filters ask for, over all files, and says how much there is", () => {
    using place = written();
    const shown = (...args: string[]): number[] => {
      const { status, stdout, stderr } = place.quick(["events", "sim", ...args]);
      assert.equal(status, 0, stderr);
      return idsIn(stdout);
    };
    assert.deepEqual(shown(), [1, 2, 3, 4]);
    assert.deepEqual(shown("--type", "action", "--agent", "Ada"), [2]);
    assert.deepEqual(
      shown("--type", "STATE,SYSTEM", "--type", "ACTION", "--turn-start", "2", "--turn-end", "3"),
      [2, 3],
    );
    assert.deepEqual(
      shown("--since", "2026-01-02T04:04:02+01:00", "--until", "2026-01-02T03:04:03Z"),
      [2, 3],
    );
    const { stdout, stderr } = place.quick(["events", "sim", "--json", "--limit", "2", "--offset", "1"]);
    const events = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { turn_number: number });
    assert.deepEqual(
      events.map(({ turn_number }) => turn_number),
      [2, 3],
    );
    assert.match(stderr, /1 line of the stream can not be read; holdfast verify sim says where/);
    assert.match(stderr, /2 of 4 events/);
    const counted = place.quick(["events", "sim", "--count", "--json"]);
    assert.deepEqual(JSON.parse(counted.stdout), { total: 4, corrupt_lines: 1 });
  });

  it.each([
    [["--agent", ""], 2, "USAGE: Cannot search with this filter: --agent must not be empty"],
    [["--turn-start", "3", "--turn-end", "2"], 2, "--turn-end must not be before --turn-start"],
    [
      ["--since", "2026-01-02T00:00:00Z", "--until", "2026-01-01T00:00:00Z"],
      2,
      "--until must not be before --since",
    ],
    [["--since", "yesterday"], 2, "--since must be an RFC 3339 timestamp"],
    [["--type", "lunch"], 2, "--type takes MILESTONE"],
    [["--limit", "0"], 2, "--limit takes a whole number from 1"],
    [["--count", "--limit", "3"], 2, "do not go with it"],
  ])("refuses %j with %i", (args, status, message) => {
    using place = written();
    const ended = place.quick(["events", "sim", ...args]);
    assert.equal(ended.status, status);
    assert.equal(ended.stdout, "");
    assert.ok(ended.stderr.startsWith("holdfast: USAGE: ") && ended.stderr.includes(message), ended.stderr);
    assert.equal(ended.stderr.trimEnd().split("\n").length, 1);
  });

  it("follows what another program appends and rotates, and ends with 130 at Ctrl-C", async () => {
    using place = written();
    const folder = join(place.store, "runs", "sim");
    const { child, ended } = place.start(["events", "sim", "--follow", "--type", "ACTION", "--json"]);
    let text = "";
    child.stdout?.on("data", (part: string) => {
      text += part;
    });
    const until = async (n: number): Promise<void> => {
      while (!text.includes(`"event_id":"${idOf(n)}"`))
        await new Promise((resolve) => setTimeout(resolve, 10));
    };
    await until(3);
    appendFileSync(join(folder, "events.jsonl"), `\n${lineOf(5)}`);
    await until(5);
    renameSync(join(folder, "events.jsonl"), join(folder, "events_2026-01-02_03-04-06.jsonl"));
    writeFileSync(join(folder, "events.jsonl"), lineOf(6));
    await until(6);
    child.kill("SIGINT");
    const { status, stdout } = await ended;
    assert.equal(status, 130);
    const turns = stdout
      .trimEnd()
      .split("\n")
      .map((line) => (JSON.parse(line) as { turn_number: number }).turn_number);
    assert.deepEqual(turns, [2, 1, 3, 5, 6]);
  });
});

describe("holdfast causality", { timeout: 60_000 }, () => {
  it("draws both trees, each event once, through a cycle and to causes that are not there", () => {
    using place = written();
    const { status, stdout } = place.quick(["causality", "sim", idOf(4)]);
    assert.equal(status, 0);
    const [causes = "", effects = ""] = stdout.split("led to:");
    assert.deepEqual(idsIn(causes), [4, 3, 2, 1, 3, 9]);
    assert.match(causes, /1\n│ {8}└─ \S+3 {2}\(shown elsewhere\)\n└─ \S+9 {2}\(not in the stream\)\n/);
    assert.equal(effects, " nothing\n");
    assert.match(
      place.quick(["causality", "sim", idOf(4), "--depth", "1"]).stdout,
      /2 {2}\(beyond --depth 1\)/,
    );
  });

  it.each([
    [["sim", idOf(8)], 3, "EVENT_NOT_FOUND"],
    [["other", idOf(4)], 3, "RUN_NOT_FOUND"],
    [["../sim", idOf(4)], 3, "RUN_NOT_FOUND"],
    [["sim", idOf(4), "--depth", "21"], 2, "USAGE"],
  ])("of %j ends with %i", (args, status, code) => {
    using place = written();
    const ended = place.quick(["causality", ...args]);
    assert.deepEqual([ended.status, ended.stdout], [status, ""]);
    assert.ok(ended.stderr.startsWith(`holdfast: ${code}: `), ended.stderr);
  });
});

describe("holdfast verify", { timeout: 60_000 }, () => {
  it("finds what stands against a stream, with file and line, and ends with 1", () => {
    using place = written();
    appendFileSync(join(place.store, "runs", "sim", "events.jsonl"), `\n${lineOf(3)}`);
    const { status, stdout } = place.quick(["verify", "--json"]);
    assert.equal(status, 1);
    for (const said of [
      "among its own causes",
      `names ${idOf(9)} as a cause, which is not in the stream`,
      `event id ${idOf(3)} was there before`,
      "stands behind one of",
      "events_2026-01-02_03-04-04.jsonl:2",
    ]) {
      assert.ok(stdout.includes(said), `${said} is not in ${stdout}`);
    }
  });
});
