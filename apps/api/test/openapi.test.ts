import assert from "node:assert/strict";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import { describe, it } from "vitest";
import { createApi, type LogEntry } from "../src/index.ts";
import { fillStore, IDS } from "./support/full-store.ts";
import { TOKEN, VERSION, type World, world } from "./support/world.ts";

interface Media {
  readonly schema: unknown;
  readonly example?: unknown;
  readonly examples?: Readonly<Record<string, { readonly value: unknown }>>;
}

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly schema: {
    readonly type?: string;
    readonly minimum?: number;
    readonly maximum?: number;
    readonly enum?: unknown[];
  };
}

interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly Parameter[];
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, Media>> }>>;
}

interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, { readonly get: Operation }>>;
}

/** The document a server serves, and what is in its answers. */
class Described {
  readonly document: Document;
  readonly operations: ReadonlyArray<readonly [path: string, operation: Operation]>;
  readonly #ajv: Ajv2020;

  constructor(document: Document) {
    this.document = document;
    this.operations = Object.entries(document.paths).map(([path, { get }]) => [path, get] as const);
    this.#ajv = new Ajv2020({ strict: false, allErrors: true });
    formats.default(this.#ajv);
    this.#ajv.addSchema(document, "api");
  }

  validator(path: string, status: string, type: string): ValidateFunction {
    const parts = ["paths", path, "get", "responses", status, "content", type, "schema"];
    const pointer = parts.map((part) => part.replaceAll("~", "~0").replaceAll("/", "~1")).join("/");
    return this.#ajv.compile({ $ref: `api#/${encodeURI(pointer)}` });
  }

  /** Fails unless an answer is one that is described. */
  async check(path: string, operation: Operation, answer: Response): Promise<unknown> {
    const status = String(answer.status);
    const type = (answer.headers.get("content-type") ?? "").split(";")[0] ?? "";
    const text = await answer.text();
    assert.notEqual(operation.responses[status], undefined, `${path} answers ${status}: ${text}`);
    assert.notEqual(operation.responses[status]?.content?.[type], undefined, `${path} ${status} is ${type}`);
    const value: unknown = type.endsWith("json") ? JSON.parse(text) : text;
    const validate = this.validator(path, status, type);
    assert.ok(
      validate(value),
      `${path} ${status}: ${JSON.stringify(validate.errors)} in ${text.slice(0, 500)}`,
    );
    return value;
  }
}

async function described(url: string, headers: Record<string, string> = {}): Promise<Described> {
  return new Described((await (await fetch(`${url}openapi.json`, { headers })).json()) as Document);
}

function filled(path: string, ids: Readonly<Record<string, string>>): string {
  return path.slice(1).replaceAll(/\{(\w+)\}/g, (_, name: string) => ids[name] ?? "unknown");
}

/** What a request needs beside its path. */
const NEEDED: Readonly<Record<string, string>> = { "/runs/{run_id}/checkpoints/diff": "from=5&to=last" };
const WORKFLOW = ["/runs/{run_id}/ledger", "/runs/{run_id}/receipts"];

function targetOf(path: string, query = NEEDED[path] ?? ""): string {
  const ids = { ...IDS, ...(WORKFLOW.includes(path) ? { run_id: IDS.workflow } : {}) };
  return `${filled(path, ids)}${query === "" ? "" : `?${query}`}`;
}

async function filledWorld(): Promise<World> {
  const here = world();
  await fillStore(here);
  return here;
}

describe("the OpenAPI document", () => {
  it("names every request of the contract, each once, with all its parameters", async () => {
    await using here = await filledWorld();
    const { url } = await here.serve();
    const { document, operations } = await described(url);
    assert.equal(document.openapi, "3.1.0");
    assert.deepEqual(operations.map(([path]) => path).toSorted(), [
      "/docs",
      "/healthz",
      "/jobs",
      "/jobs/{job_id}",
      "/metrics",
      "/openapi.json",
      "/readyz",
      "/runs",
      "/runs/{run_id}",
      "/runs/{run_id}/checkpoints",
      "/runs/{run_id}/checkpoints/diff",
      "/runs/{run_id}/checkpoints/{turn}",
      "/runs/{run_id}/ledger",
      "/runs/{run_id}/receipts",
      "/simulations",
      "/simulations/{simulation_id}/causality/{event_id}",
      "/simulations/{simulation_id}/events",
      "/simulations/{simulation_id}/events/stream",
      "/simulations/{simulation_id}/events/{event_id}",
      "/snapshots",
      "/snapshots/{id}",
      "/tasks",
      "/tasks/{task_id}",
    ]);
    const ids = operations.map(([, { operationId }]) => operationId);
    assert.equal(new Set(ids).size, ids.length);
    for (const [path, { parameters = [] }] of operations) {
      const inPath = parameters.filter((parameter) => parameter.in === "path");
      assert.deepEqual(
        inPath.map(({ name }) => name),
        [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name),
      );
      assert.ok(inPath.every(({ required }) => required));
    }
  });

  it("has an example of every answer, and each fits its schema", async () => {
    await using here = await filledWorld();
    const { url } = await here.serve({ token: TOKEN });
    const api = await described(url, { authorization: `Bearer ${TOKEN}` });
    for (const [path, { responses }] of api.operations) {
      for (const [status, { content = {} }] of Object.entries(responses)) {
        for (const [type, { example, examples = {} }] of Object.entries(content)) {
          const values = [
            ...(example === undefined ? [] : [example]),
            ...Object.values(examples).map(({ value }) => value),
          ];
          assert.ok(values.length > 0, `${path} ${status} ${type}`);
          const validate = api.validator(path, status, type);
          for (const value of values)
            assert.ok(validate(value), `${path} ${status}: ${JSON.stringify(validate.errors)}`);
        }
      }
    }
  });

  it("describes what is answered: with records, in an empty store, and without a store", async () => {
    await using here = await filledWorld();
    await using empty = world();
    const { url } = await here.serve();
    const nothing = await empty.serve();
    const api = await described(url);
    for (const [path, operation] of api.operations) {
      if (path.endsWith("/stream")) continue;
      const answer = await fetch(`${url}${targetOf(path)}`);
      assert.equal(answer.status, 200, `${path} ${answer.status}`);
      const value = await api.check(path, operation, answer);
      const lists =
        typeof value === "object" && value !== null ? Object.values(value).filter(Array.isArray) : [];
      const isPage =
        /^\/(simulations|runs|tasks|jobs|snapshots)(\/\{\w+\}\/(events|ledger|receipts|checkpoints))?$/.test(
          path,
        );
      if (isPage)
        assert.ok(
          lists.some((list) => list.length > 0),
          `${path} has nothing to check`,
        );
      const none = await fetch(`${nothing.url}${targetOf(path)}`);
      assert.equal(none.status, path.includes("{") ? 404 : 200, path);
      await api.check(path, operation, none);
    }
  });

  it("describes every problem that a request can be answered with", async () => {
    await using here = await filledWorld();
    const { url } = await here.serve();
    const open = await described(url);
    const locked = await here.serve({ token: TOKEN });
    const api = await described(locked.url, { authorization: `Bearer ${TOKEN}` });
    for (const [path, operation] of open.operations) {
      const ask = async (
        target: string,
        status: number,
        headers: Record<string, string> = {},
      ): Promise<void> => {
        const answer = await fetch(`${url}${target}`, { headers });
        assert.equal(answer.status, status, `${target}: ${await answer.clone().text()}`);
        await open.check(path, operation, answer);
      };
      const target = targetOf(path);
      const joined = `${target}${target.includes("?") ? "&" : "?"}`;
      await ask(`${joined}nonsense=1`, 400);
      await ask(`${joined}x=${"a".repeat(8_200)}`, 414);
      await ask(target, 403, { origin: "https://evil.example" });
      await ask(target, 431, { x: "a".repeat(20_000) });
      if (/\{(?!turn)/.test(path))
        await ask(filled(path, { turn: "1" }) + (NEEDED[path] === undefined ? "" : "?from=1&to=2"), 404);
      for (const parameter of operation.parameters ?? []) {
        for (const wrong of wrongValuesOf(parameter)) await ask(`${joined}${parameter.name}=${wrong}`, 400);
      }
      if (path === "/healthz" || path === "/readyz") continue;
      await api.check(
        path,
        api.document.paths[path]?.get ?? operation,
        await fetch(`${locked.url}${target}`),
      );
    }
  });
});

/** Values that a parameter's own schema excludes. */
function wrongValuesOf({ in: where, name, schema }: Parameter): string[] {
  if (where !== "query" || name === "from" || name === "to") return [];
  if (schema.type === "integer") {
    const { minimum = 0, maximum = Number.MAX_SAFE_INTEGER } = schema;
    return [
      "",
      "x",
      "1.5",
      "-1",
      "1e3",
      "0x10",
      "+1",
      "%201",
      "NaN",
      "99999999999999999999",
      "1&".concat(name, "=1"),
      String(minimum - 1),
      String(maximum + 1),
    ];
  }
  if (schema.type === "boolean") return ["", "1", "TRUE", "yes"];
  if (schema.enum !== undefined) return ["", "nonsense"];
  if (name.endsWith("_timestamp"))
    return ["", "yesterday", "2026-01-02", "2026-02-30T00:00:00Z", "1767323045", "2026-01-02T03:04:05"];
  if (name === "event_types")
    return ["", "NONSENSE", "action", "ACTION,STATE", "ACTION&event_types=NONSENSE"];
  return name === "cursor" ? ["", "a/b!"] : [""];
}

describe("the page for people", () => {
  it("names every path, and neither loads nor runs anything", async () => {
    await using here = world();
    const { url } = await here.serve();
    const { operations } = await described(url);
    const answer = await fetch(`${url}docs`);
    const html = await answer.text();
    assert.match(answer.headers.get("content-type") ?? "", /^text\/html/);
    for (const [path] of operations) assert.ok(html.includes(path), path);
    assert.ok(!/<script|<link|<img|<iframe|@import|url\(|\son\w+=|https?:\/\//i.test(html));
    const hash = /style-src '(sha256-[^']+)'/.exec(answer.headers.get("content-security-policy") ?? "")?.[1];
    const style = /<style>([\s\S]*?)<\/style>/.exec(html)?.[1] ?? "";
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(style));
    assert.equal(hash, `sha256-${Buffer.from(digest).toString("base64")}`);
  });
});

describe("createApi()", () => {
  it("tells of no fault when a client goes before it was answered", async () => {
    await using here = world();
    await fillStore(here);
    const faults: unknown[] = [];
    const log = (entry: LogEntry): void => void (entry.level === "error" && faults.push(entry));
    const api = createApi({ store: here.store, version: VERSION, log });
    for (const path of ["runs/flow/ledger", "simulations/sim/events", "runs/flow/receipts"]) {
      for (const reason of [undefined, "aborted"]) {
        const signal = AbortSignal.abort(reason);
        await api.fetch(new Request(`http://localhost/${path}`, { signal }));
      }
    }
    assert.deepEqual(faults, []);
  });

  it("answers as a handler, without a server", async () => {
    await using here = await filledWorld();
    const api = createApi({ store: here.store, version: VERSION });
    const answer = await api.fetch(new Request("http://localhost/simulations"));
    assert.equal(answer.status, 200);
    assert.equal(((await answer.json()) as { simulations: unknown[] }).simulations.length, 1);
    const other = await api.fetch(new Request("http://evil.example/simulations"));
    assert.equal(other.status, 421);
    const head = await api.fetch(new Request("http://localhost/simulations", { method: "HEAD" }));
    assert.equal(await head.text(), "");
    api.close();
  });
});
