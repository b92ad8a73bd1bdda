import assert from "node:assert/strict";
import { appendFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { openEventStream } from "@holdfast/events";
import { describe, it } from "vitest";
import { OwnTime } from "./support/own-time.ts";
import { rawClient } from "./support/raw-client.ts";
import { bigEvents, eventLine, idOf, type World, world } from "./support/world.ts";

interface Message {
  readonly id?: string;
  readonly event?: string;
  readonly data?: string;
}

/** A client of server-sent events, as a browser would read them. */
class Tail implements AsyncDisposable {
  readonly #abort = new AbortController();
  readonly messages: Message[] = [];
  comments = 0;
  over = false;
  answer!: Response;

  static async open(url: string, headers: Record<string, string> = {}): Promise<Tail> {
    const tail = new Tail();
    tail.answer = await fetch(url, { headers, signal: tail.#abort.signal });
    if (tail.answer.status === 200) void tail.#read().catch(() => undefined);
    return tail;
  }

  get ids(): (string | undefined)[] {
    return this.messages.map(({ id }) => id);
  }

  async until(done: () => boolean, waitMs = 30_000): Promise<void> {
    const end = performance.now() + waitMs;
    while (!done()) {
      if (performance.now() > end) throw new Error(`It has ${JSON.stringify(this.messages)} and no more`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder();
    let rest = "";
    for await (const part of this.answer.body as unknown as AsyncIterable<Uint8Array>) {
      rest += decoder.decode(part, { stream: true });
      const blocks = rest.split("\n\n");
      rest = blocks.pop() ?? "";
      for (const block of blocks) this.#take(block);
    }
    this.over = true;
  }

  #take(block: string): void {
    if (block.startsWith(":")) this.comments += 1;
    if (block.startsWith(":") || block.startsWith("retry:")) return;
    const fields = block
      .split("\n")
      .map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)]);
    this.messages.push(Object.fromEntries(fields) as Message);
  }
}

const PATH = "simulations/sim/events/stream";

function add(here: World, ...numbers: readonly number[]): void {
  appendFileSync(
    join(here.root, "runs/sim/events.jsonl"),
    numbers.map((number) => eventLine(number)).join(""),
  );
}

function tailed(): World {
  const here = world();
  here.write("runs/sim/events.jsonl", eventLine(1) + eventLine(2));
  return here;
}

describe("a live tail", () => {
  it("begins now, or at the start when asked, with the filters of a page", async () => {
    await using here = tailed();
    const { url } = await here.serve();
    await using now = await Tail.open(url + PATH);
    await using start = await Tail.open(`${url}${PATH}?from=start`);
    await using some = await Tail.open(`${url}${PATH}?from=start&agent_ids=agent-0&agent_ids=agent-1`);
    assert.match(now.answer.headers.get("content-type") ?? "", /^text\/event-stream/);
    assert.equal(now.answer.headers.get("cache-control"), "no-store");
    add(here, 3, 4, 5);
    await now.until(() => now.ids.length === 3);
    await start.until(() => start.ids.length === 5);
    await some.until(() => some.ids.length === 3);
    assert.deepEqual(now.ids, [3, 4, 5].map(idOf));
    assert.deepEqual(start.ids, [1, 2, 3, 4, 5].map(idOf));
    assert.deepEqual(some.ids, [1, 3, 4].map(idOf));
    assert.equal((JSON.parse(now.messages[0]?.data ?? "") as { event_id: string }).event_id, idOf(3));
  });

  it("goes on after Last-Event-ID without a gap or a repeat, however often it is cut off, across rotations", {
    timeout: 120_000,
  }, async () => {
    await using here = world();
    const { url } = await here.serve({ maxTails: 3 });
    let last = "";
    const seen: (string | undefined)[] = [];
    const stream = await openEventStream(here.store, "sim", {
      verbosity: "DETAIL",
      rotateBytes: 4_096,
      onFull: "wait",
    });
    const emitted: (string | undefined)[] = [];
    const emit = async (count: number): Promise<void> => {
      for (let number = 0; number < count; number += 1) {
        await stream.ready();
        const details = { action_type: "act", action_payload: { number } };
        emitted.push(stream.emit({ event_type: "ACTION", agent_id: "a", turn_number: number, details }));
      }
      await stream.drain();
    };
    await emit(3);
    for (let round = 0; round < 8; round += 1) {
      await using tail = await Tail.open(
        `${url}${PATH}?from=start`,
        last === "" ? {} : { "last-event-id": last },
      );
      assert.equal(tail.answer.status, 200);
      await Promise.all([emit(20), tail.until(() => tail.ids.length >= 10)]);
      seen.push(...tail.ids.slice(0, 10));
      last = seen.at(-1) ?? "";
    }
    await using rest = await Tail.open(`${url}${PATH}?last_event_id=${last}`);
    await rest.until(() => seen.length + rest.ids.length >= emitted.length);
    assert.deepEqual([...seen, ...rest.ids], emitted);
    await stream.close();
  });

  it("from an unknown event, or of an unknown simulation, is 404", async () => {
    await using here = tailed();
    const { url } = await here.serve();
    const missing = await fetch(url + PATH, { headers: { "last-event-id": idOf(99) } });
    assert.equal(missing.status, 404);
    assert.equal((await fetch(`${url}simulations/no/events/stream`)).status, 404);
    for (const query of [
      "limit=1",
      "offset=0",
      "cursor=x",
      "from=yesterday",
      "event_types=X",
      "turn_start=2&turn_end=1",
    ]) {
      assert.equal((await fetch(`${url}${PATH}?${query}`)).status, 400, query);
    }
  });

  it("says something when nothing happens", async () => {
    await using here = tailed();
    const { url } = await here.serve({ heartbeatMs: 20 });
    await using tail = await Tail.open(url + PATH);
    await tail.until(() => tail.comments > 3);
    add(here, 3);
    await tail.until(() => tail.ids.length === 1);
    assert.deepEqual(tail.ids, [idOf(3)]);
  });

  it("of a run that is removed ends with a problem", async () => {
    await using here = tailed();
    const { url } = await here.serve({ heartbeatMs: 50 });
    await using tail = await Tail.open(url + PATH);
    rmSync(join(here.root, "runs/sim"), { recursive: true });
    await tail.until(() => tail.over);
    assert.equal(tail.messages.at(-1)?.event, "problem");
    assert.equal((JSON.parse(tail.messages.at(-1)?.data ?? "") as { code: string }).code, "NOT_FOUND");
    assert.equal((await fetch(url + PATH)).status, 404);
    assert.equal((await fetch(`${url}healthz`)).status, 200);
  });

  it("has a place, one of so many, that it gives back", async () => {
    await using here = tailed();
    const { url } = await here.serve({ maxTails: 2 });
    const metric = async (name: string): Promise<number> =>
      Number(new RegExp(`^${name} (\\d+)$`, "m").exec(await (await fetch(`${url}metrics`)).text())?.[1]);
    const first = await Tail.open(url + PATH);
    await using second = await Tail.open(url + PATH);
    assert.equal(second.answer.status, 200);
    const refused = await fetch(url + PATH);
    assert.equal(refused.status, 503);
    assert.equal(refused.headers.get("retry-after"), "5");
    assert.equal(((await refused.json()) as { code: string }).code, "TOO_MANY_TAILS");
    assert.equal((await fetch(url + PATH, { method: "HEAD" })).status, 200);
    assert.equal(await metric("holdfast_live_tails"), 2);
    assert.equal(await metric("holdfast_live_tails_refused_total"), 1);
    await first[Symbol.asyncDispose]();
    await second.until(() => true);
    const end = performance.now() + 60_000;
    while ((await metric("holdfast_live_tails")) !== 1) assert.ok(performance.now() < end);
    await using third = await Tail.open(url + PATH);
    assert.equal(third.answer.status, 200);
  });

  it("256 at once all get every event once, also after they were cut off, and requests are answered meanwhile", {
    timeout: 120_000,
  }, async () => {
    await using here = tailed();
    const { url } = await here.serve();
    const liveTails = async (): Promise<string | undefined> =>
      /^holdfast_live_tails (\d+)$/m.exec(await (await fetch(`${url}metrics`)).text())?.[1];
    const openAll = (after: (number: number) => number | undefined): Promise<Tail[]> =>
      Promise.all(
        Array.from({ length: 256 }, (_, number) => {
          const last = after(number);
          return Tail.open(url + PATH, last === undefined ? {} : { "Last-Event-ID": idOf(last) });
        }),
      );
    // Every other one goes on after the first event, and lacks the second.
    const tails = await openAll((number) => (number % 2 === 0 ? undefined : 1));
    assert.ok(tails.every(({ answer }) => answer.status === 200));
    assert.equal((await fetch(url + PATH)).status, 503);
    add(here, 3, 4);
    using time = new OwnTime();
    assert.equal((await fetch(`${url}simulations/sim/events`)).status, 200);
    assert.ok(time.ms < 1_000, `${time.ms}`);
    for (const [number, tail] of tails.entries()) {
      const expected = (number % 2 === 0 ? [3, 4] : [2, 3, 4]).map(idOf);
      await tail.until(() => tail.ids.length >= expected.length, 60_000);
      assert.deepEqual(tail.ids, expected);
    }
    for (const tail of tails) await tail[Symbol.asyncDispose]();
    add(here, 5);
    renameSync(
      join(here.root, "runs/sim/events.jsonl"),
      join(here.root, "runs/sim/events_2026-01-02_03-04-06.jsonl"),
    );
    add(here, 6);
    while ((await liveTails()) !== "0") await new Promise((resolve) => setTimeout(resolve, 20));
    const again = await openAll((number) => 3 + (number % 2));
    for (const [number, tail] of again.entries()) {
      const expected = (number % 2 === 0 ? [4, 5, 6] : [5, 6]).map(idOf);
      await tail.until(() => tail.ids.length >= expected.length, 60_000);
      assert.deepEqual(tail.ids, expected);
      await tail[Symbol.asyncDispose]();
    }
  });

  it("whose client never reads costs no memory, and is cut off", { timeout: 120_000 }, async () => {
    await using here = world();
    here.write("runs/sim/events.jsonl", bigEvents(1_000, 50_000));
    const { url, port } = await here.serve();
    using client = await rawClient(port);
    client.socket.pause();
    globalThis.gc?.();
    const before = process.memoryUsage.rss();
    await client.send(`GET /${PATH}?from=start HTTP/1.1\r\nHost: localhost:${port}\r\n\r\n`);
    let most = 0;
    using time = new OwnTime();
    const metrics = async (): Promise<string> => (await fetch(`${url}metrics`)).text();
    while (!/ended_total\{reason="slow_reader"\} 1/.test(await metrics())) {
      most = Math.max(most, process.memoryUsage.rss() - before);
      assert.ok(time.ms < 13_000);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    // The stream has 50 MB.
    assert.ok(most < 40_000_000, `${most}`);
    assert.match(await metrics(), /^holdfast_live_tails 0$/m);
  });
});

describe("close()", () => {
  it("ends tails and idle connections, finishes what is under way, and takes nothing new", async () => {
    await using here = tailed();
    const server = await here.serve();
    await using tail = await Tail.open(server.url + PATH);
    using idle = await rawClient(server.port);
    using half = await rawClient(server.port);
    await half.send("GET /simulations HTTP/1.1\r\n");
    const asking = await Promise.all(Array.from({ length: 20 }, () => rawClient(server.port)));
    await Promise.all(asking.map((client) => client.send("GET /simulations/sim/events HTTP/1.1\r\n")));
    const connections = async (): Promise<number> =>
      Number(
        /^holdfast_http_connections (\d+)$/m.exec(await (await fetch(`${server.url}metrics`)).text())?.[1],
      );
    while ((await connections()) < 23) await new Promise((resolve) => setTimeout(resolve, 5));
    using time = new OwnTime();
    const closed = Promise.all([server.close(), server.close()]);
    await Promise.all(asking.map((client) => client.send(`Host: localhost:${server.port}\r\n\r\n`)));
    await closed;
    assert.ok(time.ms < 2_000, `${time.ms}`);
    await tail.until(() => tail.over);
    await Promise.all([idle.ended(), half.ended()]);
    for (const client of asking) assert.match(await client.ended(), /^HTTP\/1\.1 200 OK\r\n/);
    await assert.rejects(fetch(`${server.url}healthz`));
  });

  it("waits for an answer that is not taken only so long", { timeout: 120_000 }, async () => {
    await using here = world();
    here.write("runs/sim/events.jsonl", bigEvents(100, 200_000));
    const server = await here.serve();
    using client = await rawClient(server.port);
    client.socket.pause();
    await client.send(`GET /simulations/sim/events HTTP/1.1\r\nHost: localhost:${server.port}\r\n\r\n`);
    await new Promise((resolve) => setTimeout(resolve, 500));
    const started = performance.now();
    using time = new OwnTime();
    await server.close({ graceMs: 1_000 });
    assert.ok(performance.now() - started > 900 && time.ms < 3_000, `${time.ms}`);
  });
});
