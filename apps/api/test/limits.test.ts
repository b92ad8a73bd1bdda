import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import * as fc from "fast-check";
import { describe, it } from "vitest";
import { OwnTime } from "./support/own-time.ts";
import { problemOf, rawClient, say } from "./support/raw-client.ts";
import { bigEvents, eventLine, world } from "./support/world.ts";

const HOST = (port: number): string => `Host: 127.0.0.1:${port}\r\n`;

/** Whether a normal request is answered in a second; in two here, where the clients of several tests work in the server's process. */
async function isWell(url: string): Promise<boolean> {
  using time = new OwnTime();
  const answer = await fetch(`${url}simulations`);
  await answer.text();
  return answer.status === 200 && time.ms < 2_000;
}

describe("sizes", () => {
  it("a target has 8,192 bytes and not one more", async () => {
    await using here = world();
    const { port, url } = await here.serve();
    const ask = (bytes: number): string =>
      `GET /simulations?${"a".repeat(bytes - 13)} HTTP/1.1\r\n${HOST(port)}Connection: close\r\n\r\n`;
    assert.equal(problemOf(await say(port, ask(8_192))).code, "INVALID_REQUEST");
    for (const bytes of [8_193, 12_000, 20_000, 40_000, 300_000]) {
      assert.deepEqual(
        problemOf(await say(port, ask(bytes))),
        { status: 414, code: "URI_TOO_LONG" },
        `${bytes}`,
      );
    }
    assert.ok(await isWell(url));
  });

  it("headers have 16,384 bytes, in one field or in many", async () => {
    await using here = world();
    const { port, url } = await here.serve();
    const ask = (fields: string): string =>
      `GET /healthz HTTP/1.1\r\n${HOST(port)}Connection: close\r\n${fields}\r\n`;
    assert.match(await say(port, ask(`X: ${"a".repeat(16_000)}\r\n`)), /^HTTP\/1\.1 200/);
    for (const fields of [
      `X: ${"a".repeat(16_384)}\r\n`,
      `X: ${"a".repeat(60_000)}\r\n`,
      `X: ${"a".repeat(1_000_000)}\r\n`,
      "X: a\r\n".repeat(3_000),
      "X: a\r\n".repeat(30_000),
      `${"a".repeat(20_000)}: x\r\n`,
    ]) {
      assert.deepEqual(problemOf(await say(port, ask(fields))), { status: 431, code: "HEADERS_TOO_LARGE" });
    }
    assert.ok(await isWell(url));
  });

  it.each([
    ["a body", "Content-Length: 5\r\n\r\nhello"],
    ["a large body", `Content-Length: 1000000\r\n\r\n${"a".repeat(1_000_000)}`],
    ["a body in chunks", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"],
    ["a body that never comes", "Content-Length: 1000000\r\n\r\n"],
  ])("%s with GET is refused at once", async (_, rest) => {
    await using here = world();
    const { port, url } = await here.serve();
    using time = new OwnTime();
    const answer = await say(port, `GET /simulations HTTP/1.1\r\n${HOST(port)}${rest}`);
    // A client that is still sending may lose the answer with the connection.
    if (answer !== "") assert.deepEqual(problemOf(answer), { status: 400, code: "INVALID_REQUEST" });
    assert.ok(time.ms < 3_000, `${time.ms}`);
    assert.ok(await isWell(url));
  });
});

describe("what is no HTTP", () => {
  it.each([
    ["no Host", "GET /simulations HTTP/1.1\r\n\r\n", 400],
    ["an empty Host", "GET /simulations HTTP/1.1\r\nHost:\r\n\r\n", 400],
    ["two Hosts", "GET /simulations HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nHost: evil.example\r\n\r\n", 400],
    ["HTTP/1.0 without a Host", "GET /simulations HTTP/1.0\r\n\r\n", 400],
    ["an unknown version", "GET / HTTP/9.9\r\nHost: 127.0.0.1:PORT\r\n\r\n", 400],
    ["an unknown method", "STEAL / HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n\r\n", 400],
    ["a field without a colon", "GET / HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nno colon\r\n\r\n", 400],
    ["a field name with a space", "GET / HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nA B: c\r\n\r\n", 400],
    ["a NUL in a field", "GET / HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nA: \0\r\n\r\n", 400],
    ["a folded field", "GET / HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nA: b\r\n c\r\n\r\n", 400],
    [
      "two lengths",
      "GET / HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
      400,
    ],
    [
      "a length and chunks",
      "POST / HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      400,
    ],
    ["a target with a space", "GET /a b HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n\r\n", 400],
    ["a target that is no path", "GET simulations HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n\r\n", 400],
    ["an unknown Expect", "GET / HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nExpect: wonders\r\n\r\n", 417],
    ["CONNECT", "CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n", 405],
    ["TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400],
    ["HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400],
    ["an asterisk", "GET * HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n\r\n", 400],
  ])("%s gets a problem, and the server goes on", async (_, text, status) => {
    await using here = world();
    const { port, url } = await here.serve();
    const answer = await say(port, Buffer.from(text.replaceAll("PORT", String(port)), "latin1"), 60_000);
    const found = problemOf(answer);
    assert.equal(found.status, status, answer);
    assert.notEqual(found.code, undefined, answer);
    assert.ok(!/\bat .*:\d+:\d+|node:internal/.test(answer), answer);
    assert.ok(await isWell(url));
  });

  it("any bytes whatever leave the server standing", { timeout: 120_000 }, async () => {
    await using here = world();
    const { port, url } = await here.serve();
    const start = fc.constantFrom(
      "",
      "GET ",
      "GET /",
      "GET / HTTP/1.1\r\n",
      `GET /simulations HTTP/1.1\r\n${HOST(port)}`,
    );
    const said = fc.tuple(start, fc.uint8Array({ maxLength: 300 }));
    await fc.assert(
      fc.asyncProperty(fc.array(said, { minLength: 100, maxLength: 100 }), async (all) => {
        const answers = await Promise.all(
          all.map(async ([before, bytes]) => {
            using client = await rawClient(port);
            await client.send(Buffer.concat([Buffer.from(before), bytes, Buffer.from("\r\n\r\n")]));
            client.socket.end();
            return await client.ended(90_000);
          }),
        );
        for (const answer of answers) assert.ok(!/^HTTP\/1\.1 5/m.test(answer), answer);
      }),
      { numRuns: 1 },
    );
    assert.ok(await isWell(url));
  });

  it("several requests sent at once are answered in order", async () => {
    await using here = world();
    here.write("runs/sim/events.jsonl", eventLine(1));
    const { port } = await here.serve();
    using client = await rawClient(port);
    const one = (path: string): string => `GET ${path} HTTP/1.1\r\n${HOST(port)}\r\n`;
    await client.send(one("/simulations/sim/events") + one("/nope") + one("/healthz"));
    const answer = await client.until(/"status":"ok"/);
    assert.deepEqual(
      [...answer.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status),
      ["200", "404", "200"],
    );
  });
});

describe.concurrent("slow clients", () => {
  it("200 that send a byte now and then are cut off within 10 seconds, while others are served", {
    timeout: 120_000,
  }, async () => {
    await using here = world();
    const { port, url } = await here.serve();
    const clients = await Promise.all(Array.from({ length: 200 }, () => rawClient(port)));
    const text = `GET /simulations HTTP/1.1\r\n${HOST(port)}X: `;
    using time = new OwnTime();
    await Promise.all(clients.map((client) => client.send(text)));
    const drip = setInterval(() => {
      for (const { socket } of clients) if (socket.writable) socket.write("a");
    }, 400);
    const ended = Promise.all(clients.map((client) => client.ended(90_000)));
    let asked = 0;
    for (let isOver = false; !isOver; asked += 1) {
      assert.ok(await isWell(url));
      isOver = await Promise.race([ended.then(() => true), sleep(200, false)]);
    }
    clearInterval(drip);
    // The last look may have been a step late.
    assert.ok(time.ms < 10_500, `${time.ms}`);
    assert.ok(asked > 5, `${asked}`);
    const codes = (await ended).map((answer) => problemOf(answer).code);
    assert.ok(codes.includes("REQUEST_TIMEOUT"));
  });

  it("one that says nothing is cut off", { timeout: 120_000 }, async () => {
    await using here = world();
    const { port } = await here.serve();
    using client = await rawClient(port);
    using time = new OwnTime();
    await client.ended(90_000);
    assert.ok(time.ms < 10_500, `${time.ms}`);
  });

  it("one that does not take its answer is cut off, and the answer with it", {
    timeout: 120_000,
  }, async () => {
    await using here = world();
    here.write("runs/sim/events.jsonl", bigEvents(50, 200_000));
    const { port, url } = await here.serve();
    using client = await rawClient(port);
    client.socket.pause();
    await client.send(`GET /simulations/sim/events?limit=10000 HTTP/1.1\r\n${HOST(port)}\r\n`.repeat(3));
    const metrics = async (): Promise<string> => (await fetch(`${url}metrics`)).text();
    using time = new OwnTime();
    while (!/ended_total\{reason="slow_reader"\} 1/.test(await metrics())) {
      assert.ok(time.ms < 13_000);
      assert.ok(await isWell(url));
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  });
});
