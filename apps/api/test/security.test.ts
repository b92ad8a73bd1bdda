import assert from "node:assert/strict";
import { request } from "node:http";
import { describe, it } from "vitest";
import { createApi, ServeError, serveApi } from "../src/index.ts";
import { eventLine, TOKEN, VERSION, type World, world } from "./support/world.ts";

interface Answer {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly text: string;
}

/** A request whose target and headers are sent as they are given. */
function ask(
  url: string,
  options: { path?: string; method?: string; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const { hostname, port, pathname } = new URL(url);
  return new Promise((resolve, reject) => {
    const { path = pathname, method = "GET", headers = {} } = options;
    const sent = request(
      { hostname: hostname.replace(/^\[|\]$/g, ""), port, path, method, headers },
      (answer) => {
        let text = "";
        answer.setEncoding("utf8").on("data", (part: string) => {
          text += part;
        });
        answer.on("end", () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text }));
      },
    );
    sent.on("error", reject).end();
  });
}

function problemIn({ text, headers }: Answer): { code: string; status: number } {
  assert.equal(headers["content-type"], "application/problem+json");
  const problem = JSON.parse(text) as Record<string, unknown>;
  assert.deepEqual(Object.keys(problem), ["type", "title", "status", "detail", "code", "message", "details"]);
  return problem as unknown as { code: string; status: number };
}

function withEvents(): World {
  const here = world();
  here.write("runs/sim/events.jsonl", eventLine(1));
  return here;
}

describe("Host", () => {
  it("answers to the names of the loopback address with its own port, and to no other", async () => {
    await using here = withEvents();
    const { url, port } = await here.serve({ allowHosts: ["holdfast.example", "exact.example:8443"] });
    const statusOf = async (host: string): Promise<number> =>
      (await ask(url, { path: "/simulations", headers: { host } })).status;
    for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, `LOCALHOST:${port}`, `[::1]:${port}`]) {
      assert.equal(await statusOf(host), 200, host);
    }
    for (const host of ["holdfast.example", "holdfast.example:9", "exact.example:8443"]) {
      assert.equal(await statusOf(host), 200, host);
    }
    for (const host of [
      "evil.example",
      `evil.example:${port}`,
      "localhost",
      `localhost:${port + 1}`,
      `127.0.0.1.evil.example:${port}`,
      "exact.example",
      `2130706433:${port}`,
    ]) {
      const answer = await ask(url, { path: "/simulations", headers: { host } });
      assert.equal(answer.status, 421, host);
      assert.equal(problemIn(answer).code, "MISDIRECTED_REQUEST");
    }
    for (const host of ["user@localhost", "a b", "localhost:99999", "loc%61lhost"]) {
      assert.ok([400, 421].includes(await statusOf(host)), host);
    }
  });

  it("of a target with a host of its own counts as well", async () => {
    await using here = withEvents();
    const { url, port } = await here.serve();
    const own = await ask(url, { path: `http://127.0.0.1:${port}/simulations` });
    assert.equal(own.status, 200);
    const other = await ask(url, { path: "http://evil.example/simulations" });
    assert.equal(problemIn(other).code, "MISDIRECTED_REQUEST");
  });

  it("of a server for every address is the address that was asked", async () => {
    await using here = withEvents();
    const { port } = await here.serve({ host: "0.0.0.0", token: TOKEN });
    const headers = { authorization: `Bearer ${TOKEN}` };
    assert.equal((await ask(`http://127.0.0.2:${port}/simulations`, { headers })).status, 200);
    assert.equal(
      (
        await ask(`http://127.0.0.2:${port}/simulations`, {
          headers: { ...headers, host: `127.0.0.3:${port}` },
        })
      ).status,
      421,
    );
  });
});

describe("Origin", () => {
  it("of other pages is refused, and no answer allows it", async () => {
    await using here = withEvents();
    const { url, port } = await here.serve();
    for (const origin of ["https://evil.example", "null", `http://localhost:${port + 1}`]) {
      const answer = await ask(url, { path: "/simulations", headers: { origin } });
      assert.equal(problemIn(answer).code, "FORBIDDEN_ORIGIN");
      assert.equal(answer.headers["access-control-allow-origin"], undefined);
    }
    const own = await ask(url, { path: "/simulations", headers: { origin: `http://127.0.0.1:${port}` } });
    assert.equal(own.status, 200);
    assert.equal(own.headers["access-control-allow-origin"], undefined);
  });

  it("that is allowed gets its name back, also on errors and preflights, and no other does", async () => {
    await using here = withEvents();
    const { url } = await here.serve({ corsOrigins: ["https://app.example"], token: TOKEN });
    const preflight = await ask(url, {
      path: "/simulations",
      method: "OPTIONS",
      headers: {
        origin: "https://app.example",
        "access-control-request-method": "GET",
        "access-control-request-headers": "authorization",
      },
    });
    assert.equal(preflight.status, 204);
    assert.equal(preflight.headers["access-control-allow-origin"], "https://app.example");
    assert.match(String(preflight.headers["access-control-allow-headers"]), /Authorization/);
    const refused = await ask(url, { path: "/simulations", headers: { origin: "https://app.example" } });
    assert.equal(refused.status, 401);
    assert.equal(refused.headers["access-control-allow-origin"], "https://app.example");
    const plain = await ask(url, { path: "/healthz" });
    assert.equal(plain.headers["vary"], "Origin");
    assert.equal(plain.headers["access-control-allow-origin"], undefined);
    for (const origin of [
      "https://app.example.evil",
      "https://APP.example",
      "http://app.example",
      "https://app.example:8443",
    ]) {
      const other = await ask(url, { path: "/healthz", method: "OPTIONS", headers: { origin } });
      assert.equal(problemIn(other).code, "FORBIDDEN_ORIGIN", origin);
      assert.equal(other.headers["access-control-allow-origin"], undefined);
    }
  });

  it.each(["*", "https://app.example/", "app.example", "null", "https://a b"])(
    "%j cannot be allowed",
    async (origin) => {
      await using here = world();
      assert.throws(() => createApi({ store: here.store, version: VERSION, corsOrigins: [origin] }), {
        code: "API_OPTION",
      });
    },
  );
});

describe("token", () => {
  it("is asked of everything but the health of the server", async () => {
    await using here = withEvents();
    const { url } = await here.serve({ token: TOKEN });
    for (const path of ["/healthz", "/readyz"]) assert.equal((await ask(url, { path })).status, 200);
    for (const path of [
      "/simulations",
      "/simulations/sim/events/stream",
      "/metrics",
      "/docs",
      "/openapi.json",
      "/nope",
    ]) {
      const answer = await ask(url, { path });
      assert.equal(problemIn(answer).code, "UNAUTHORIZED", path);
      assert.equal(answer.headers["www-authenticate"], "Bearer");
    }
    for (const authorization of [
      `Bearer ${TOKEN}x`,
      `Bearer ${TOKEN.slice(0, -1)}`,
      "Bearer ",
      `Basic ${TOKEN}`,
      TOKEN,
      `Bearer ${TOKEN} ${TOKEN}`,
    ]) {
      assert.equal(
        (await ask(url, { path: "/simulations", headers: { authorization } })).status,
        401,
        authorization,
      );
    }
    for (const authorization of [`Bearer ${TOKEN}`, `bearer  ${TOKEN}`]) {
      assert.equal(
        (await ask(url, { path: "/simulations", headers: { authorization } })).status,
        200,
        authorization,
      );
    }
  });

  it("is needed to listen beyond this machine", async () => {
    await using here = world();
    for (const host of ["0.0.0.0", "::", "192.0.2.1", "example.com", "127.evil.example"]) {
      await assert.rejects(serveApi({ store: here.store, version: VERSION, host, port: 0 }), (error) => {
        assert.ok(error instanceof ServeError);
        return error.code === "API_TOKEN_NEEDED";
      });
    }
  });

  it.each(["", "a b", "ä", "a\n"])("%j cannot be one", async (token) => {
    await using here = world();
    await assert.rejects(here.serve({ token }), { code: "API_OPTION" });
  });
});

describe("paths", () => {
  const secret = "root:x:0:0";
  const targets = [
    "/../../../../etc/passwd",
    "/simulations/../../../etc/passwd/events",
    "/simulations/%2e%2e/events",
    "/simulations/%2e%2e%2f%2e%2e%2fsecret/events",
    "/simulations/..%2f..%2fsecret/events",
    "/simulations/..%5c..%5csecret/events",
    "/simulations/%252e%252e%252fsecret/events",
    "/simulations/..%c0%af..%c0%afsecret/events",
    "/simulations/%ef%bc%8e%ef%bc%8e/events",
    "/simulations/sim%00/events",
    "/simulations/sim%2fevents/events",
    "/simulations/%/events",
    "/simulations/%zz/events",
    "/simulations/%ff/events",
    "/simulations/./sim/../../events",
    "/simulations//events",
    "/simulations/sim\\..\\secret/events",
    "/simulations/C:%5cwindows/events",
    "/simulations/.hidden/events",
    "/simulations/CON/events",
    "/simulations/sim;x=1/events",
    "/runs/..%2f..%2fsecret",
    "/runs/..%2fsecret/ledger",
    "/runs/%2e%2e/checkpoints/1",
    "/runs/sim/checkpoints/..%2f..%2f..%2fsecret",
    "/runs/sim/checkpoints/-1",
    "/runs/sim/checkpoints/1e9",
    "/tasks/..%2f..%2fsecret",
    "/tasks/task-..%2f..-12345678",
    "/jobs/..%2f..%2fsecret",
    "/snapshots/..%2f..%2fsecret",
    "/snapshots/snap-0123456789ab%2f..%2fsecret",
    "//etc/passwd",
    "/%2fetc%2fpasswd",
    `/simulations/${"a".repeat(300)}/events`,
    `/simulations/${"%2e".repeat(1000)}/events`,
  ];

  it.each(targets)("%.60s reads nothing and gives a problem", async (path) => {
    await using here = withEvents();
    here.write("../secret/events.jsonl", eventLine(1, { description: secret }));
    here.write("../secret.json", JSON.stringify({ secret }));
    here.write("../secret.manifest.json", JSON.stringify({ secret }));
    const { url } = await here.serve();
    const answer = await ask(url, { path });
    assert.ok(answer.status === 400 || answer.status === 404, `${answer.status} ${answer.text}`);
    const { code } = problemIn(answer);
    assert.ok(code === "NOT_FOUND" || code === "INVALID_REQUEST");
    assert.ok(!answer.text.includes(secret) && !answer.text.includes(here.root));
  });
});

describe("answers", () => {
  it("carry what keeps browsers from guessing, keeping and framing", async () => {
    await using here = withEvents();
    const { url } = await here.serve();
    for (const path of ["/simulations", "/nope", "/docs"]) {
      const { headers } = await ask(url, { path });
      assert.equal(headers["x-content-type-options"], "nosniff");
      assert.equal(headers["cache-control"], "no-store");
      assert.equal(headers["referrer-policy"], "no-referrer");
      assert.equal(headers["cross-origin-resource-policy"], "same-origin");
      assert.match(String(headers["content-security-policy"]), /^default-src 'none'/);
      assert.match(String(headers["content-security-policy"]), /frame-ancestors 'none'/);
      assert.equal(headers["x-powered-by"], undefined);
    }
  });

  it("to HEAD have the headers of GET and no body", async () => {
    await using here = withEvents();
    const { url } = await here.serve();
    for (const path of [
      "/simulations",
      "/simulations/sim/events",
      "/docs",
      "/nope",
      "/simulations/sim/events/stream",
    ]) {
      const head = await ask(url, { path, method: "HEAD" });
      assert.equal(head.text, "");
      if (path.endsWith("stream")) continue;
      const get = await ask(url, { path });
      assert.equal(head.status, get.status);
      assert.equal(head.headers["content-type"], get.headers["content-type"]);
      assert.equal(head.headers["content-length"], get.headers["content-length"]);
    }
  });

  it.each(["POST", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND", "QUERY"])(
    "to %s are 405",
    async (method) => {
      await using here = withEvents();
      const { url } = await here.serve();
      const answer = await ask(url, { path: "/simulations", method });
      assert.equal(problemIn(answer).code, "METHOD_NOT_ALLOWED");
      assert.equal(answer.headers["allow"], "GET, HEAD, OPTIONS");
    },
  );
});
