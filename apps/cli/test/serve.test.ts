import assert from "node:assert/strict";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { describe, it } from "vitest";
import { Place } from "./support/command.ts";

const EVENT = {
  event_id: "01KDZ0Q7E20000000000000001",
  timestamp: "2026-01-02T03:04:05Z",
  turn_number: 1,
  event_type: "MILESTONE",
  simulation_id: "sim",
  details: { milestone_type: "turn_start" },
};

function withEvents(): Place {
  const place = new Place("serve");
  mkdirSync(join(place.store, "runs", "sim"), { recursive: true });
  writeFileSync(join(place.store, "runs", "sim", "events.jsonl"), `${JSON.stringify(EVENT)}\n`);
  return place;
}

type Started = ReturnType<Place["start"]>;

/** Resolves with the URL once the server listens. */
async function urlOf({ child, ended }: Started): Promise<string> {
  let text = "";
  const listening = new Promise<string>((resolve) => {
    child.stdout?.on("data", (part: string) => {
      text += part;
      const url = /http:\/\/\S+?\//.exec(text)?.[0];
      if (url !== undefined) resolve(url);
    });
  });
  const failed = ended.then(({ stderr }) => {
    throw new Error(stderr);
  });
  failed.catch(() => undefined);
  return Promise.race([listening, failed]);
}

describe("holdfast serve", () => {
  it("prints where it listens, answers, and ends with 0 at SIGTERM", async () => {
    using place = withEvents();
    const server = place.start(["serve", "--port", "0"]);
    const url = await urlOf(server);
    const answer = await fetch(`${url}simulations/sim/events`);
    assert.equal(((await answer.json()) as { total: number }).total, 1);
    assert.equal((await fetch(`${url}docs`)).status, 200);
    const tail = await fetch(`${url}simulations/sim/events/stream`);
    // One who never finishes asking is not waited for.
    connect(Number(new URL(url).port), "127.0.0.1")
      .on("error", () => undefined)
      .write("GET / HTTP/1.1\r\n");
    const started = performance.now();
    server.child.kill("SIGTERM");
    const { status, stdout, stderr } = await server.ended;
    assert.equal(status, 0, stderr);
    assert.ok(performance.now() - started < 5_000);
    assert.equal(stdout, `listening on ${url}\n`);
    await tail.text();
  });

  it("of a folder that is not there serves an empty store, and makes nothing", async () => {
    using place = new Place("serve");
    const server = place.start(["--json", "serve", "--port", "0"]);
    const url = await urlOf(server);
    for (const path of ["simulations", "runs", "tasks", "jobs", "snapshots"]) {
      const answer = await fetch(url + path);
      assert.deepEqual(((await answer.json()) as Record<string, unknown>)[path], []);
    }
    assert.equal((await fetch(`${url}readyz`)).status, 200);
    server.child.kill("SIGINT");
    const { status, stdout } = await server.ended;
    assert.equal(status, 0);
    assert.deepEqual(JSON.parse(stdout), { url, port: Number(new URL(url).port) });
    assert.ok(!existsSync(place.store));
  });

  it("takes its token from an option or the environment, and needs one beyond this machine", async () => {
    using place = withEvents();
    const refused = place.holdfast(["serve", "--host", "0.0.0.0", "--port", "0"]);
    assert.equal(refused.status, 2);
    assert.match(refused.stderr, /^holdfast: API_TOKEN_NEEDED: /);
    const token = "0123456789abcdef";
    for (const [args, env] of [
      [["--token", token], {}],
      [[], { HOLDFAST_TOKEN: token }],
    ] as const) {
      const server = place.start(["serve", "--host", "0.0.0.0", "--port", "0", ...args], { env });
      const { port } = new URL(await urlOf(server));
      const url = `http://127.0.0.1:${port}/simulations`;
      assert.equal((await fetch(url)).status, 401);
      assert.equal((await fetch(url, { headers: { authorization: `Bearer ${token}` } })).status, 200);
      server.child.kill("SIGTERM");
      assert.equal((await server.ended).status, 0);
    }
  });

  it("refuses what it cannot do: status 2 for a wrong option, 1 for a taken port", async () => {
    using place = withEvents();
    for (const args of [
      ["--port", "x"],
      ["--port", "65536"],
      ["--cors-origin", "*"],
      ["--allow-host", "a b"],
      ["--token", "a b"],
    ]) {
      const { status, stderr } = place.holdfast(["serve", ...args]);
      assert.equal(status, 2, stderr);
      assert.match(stderr, /^holdfast: [A-Z_]+: /);
    }
    const server = place.start(["serve", "--port", "0"]);
    const { port } = new URL(await urlOf(server));
    const second = place.holdfast(["serve", "--port", port]);
    assert.equal(second.status, 1);
    assert.match(second.stderr, /^holdfast: API_ADDRESS: .*choose another --port/);
    server.child.kill("SIGTERM");
    await server.ended;
  });
});
