import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type FileStore, fileStore, type Json, memoryStore } from "@holdfast/storage";
import { temporaryFolder } from "@holdfast/test-kit";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { countingReads } from "../test/counting-reads.ts";
import { type Task, type TaskResult, taskSchema, taskStore } from "./index.ts";

const ID = "task-a-b-1234abcd";
const PATH = "tasks/a-b/task-a-b-1234abcd.json";

/** A task with everything the format names. */
const WHOLE: Task = {
  task_id: ID,
  spec: {
    task_spec_id: "a-b",
    request: "Add a parser",
    mode: "auto",
    priority: 5,
    hints: { language: "日本語", nothing: null },
    files: ["src/a.mjs"],
    overrides: {},
    metadata: { ticket: 17 },
  },
  lifecycle: "active",
  status: "in_progress",
  pipeline_id: "p-1",
  current_stage_id: "review",
  current_output: { text: "\u2028\u0000\u{1F600}" },
  stage_results: {
    implement: {
      output: [1, [2, [3]]],
      error: null,
      started_at: "2026-01-02T03:04:05+02:00",
      completed_at: null,
    },
  },
  routing_trace: [
    { stage_id: "implement", decision: "go", agent_id: null, timestamp: "2026-01-02T03:04:05Z" },
  ],
  failure_signatures: [],
  context_fingerprint: "fp",
  parent_task_id: null,
  child_task_ids: [],
  lineage_type: null,
  lineage_metadata: {},
  task_memory_ref: null,
  project_memory_ref: null,
  global_memory_ref: null,
  created_at: "2026-01-02T03:04:05.123456Z",
  updated_at: "2026-01-02T03:04:06.123456789+00:00",
};
const SMALL: Task = {
  created_at: "2026-01-02T03:04:05Z",
  updated_at: "2026-01-02T03:04:05Z",
  lifecycle: "queued",
  spec: { task_spec_id: "a-b" },
  status: "pending",
  task_id: ID,
};

async function withFiles(body: (store: FileStore, root: string) => Promise<void>): Promise<void> {
  using folder = temporaryFolder();
  const root = join(folder.path, "store");
  await using store = fileStore(root);
  await body(store, root);
}

function valueOf<T>(result: TaskResult<T>): T {
  if (!result.ok) throw new Error(result.error.message);
  return result.value;
}

function errorOf(result: TaskResult<unknown>): unknown {
  return result.ok ? "no error" : { code: result.error.code, ...result.error.details };
}

const awkward = fc.constantFrom<Json>(
  -0,
  5e-324,
  1.7976931348623157e308,
  2 ** 53,
  0.1,
  1e21,
  "\uD800",
  "\u2028",
  "e\u0301",
  "",
  null,
);
const json = fc.oneof(
  awkward,
  fc.jsonValue({ maxDepth: 4, noUnicodeString: false }).map((value) => value as Json),
);
const tomorrow = fc.dictionary(
  fc.string({ unit: "binary" }).map((name) => `x${name}`),
  json,
  { maxKeys: 4 },
);

describe("save() and load()", () => {
  it("a task comes back equal, with the fields of tomorrow at every level", async () => {
    await withFiles(async (store, root) => {
      const tasks = taskStore(store);
      await fc.assert(
        fc.asyncProperty(tomorrow, tomorrow, json, fc.boolean(), async (top, deep, value, named) => {
          const task: Task = {
            ...top,
            ...WHOLE,
            ...(named ? { schema: "holdfast/task/v1" as const } : {}),
            spec: { ...WHOLE.spec, ...deep, request: value },
            current_output: value,
            stage_results: { ...WHOLE.stage_results, "": { ...deep, output: value } },
            routing_trace: [{ ...deep, decision: value }],
            lineage_metadata: deep,
          };
          valueOf(await tasks.save(task));
          const loaded = valueOf(await tasks.load(ID));
          expect(loaded).toEqual(task);
          expect(JSON.stringify(loaded.current_output)).toBe(JSON.stringify(task.current_output));
          const written: object = JSON.parse(readFileSync(join(root, PATH), "utf8"));
          const fields = ["task_id", "status", "pipeline_id", "created_at", "updated_at"];
          expect(Object.keys(written).slice(0, 5)).toEqual(fields);
          expect(valueOf(await tasks.metadata(ID))).toEqual(
            Object.fromEntries(fields.map((name) => [name, WHOLE[name]])),
          );
        }),
        { numRuns: 60 },
      );
    });
  });

  it("keys that mean something to JavaScript, and deep nesting, are data", async () => {
    await using store = memoryStore();
    const tasks = taskStore(store);
    let deep: Json = "the end";
    for (let level = 0; level < 900; level += 1) deep = level % 2 === 0 ? [deep] : { deep };
    const strange: Json = JSON.parse('{"__proto__":{"polluted":1},"constructor":2,"10":3,"toString":null}');
    const text = JSON.stringify({ ...SMALL, hints: strange, current_output: deep });
    const given: Task = JSON.parse(
      text.replace('{"created_at"', '{"__proto__":{"status":"x"},"7":1,"created_at"'),
    );
    valueOf(await tasks.save(given));
    const loaded = valueOf(await tasks.load(ID));
    expect(loaded).toStrictEqual(given);
    expect(Object.hasOwn(loaded, "__proto__")).toBe(true);
    expect(JSON.parse(JSON.stringify(loaded))).toEqual(JSON.parse(JSON.stringify(given)));
  });

  it("a saved task is another one in place of the first, whole", async () => {
    await withFiles(async (store) => {
      const tasks = taskStore(store);
      valueOf(await tasks.save(WHOLE));
      expect(valueOf(await tasks.save(SMALL))).toEqual({ task_id: ID, path: PATH });
      expect(valueOf(await tasks.load(ID))).toStrictEqual(SMALL);
      const { pipeline_id: pipeline } = valueOf(await tasks.metadata(ID));
      expect(pipeline).toBeUndefined();
    });
  });

  it("refuses what is no task, and says where; nothing is written", async () => {
    await withFiles(async (store, root) => {
      const tasks = taskStore(store);
      const cases: readonly (readonly [object, string])[] = [
        [{ status: "weird" }, "$.status"],
        [{ lifecycle: "" }, "$.lifecycle"],
        [{ task_id: 7 }, "$.task_id"],
        [{ task_id: "" }, "$.task_id"],
        [{ task_id: "\uD800" }, "$.task_id"],
        [{ task_id: "x".repeat(1_025) }, "$.task_id"],
        [{ spec: null }, "$.spec"],
        [{ spec: {} }, "$.spec.task_spec_id"],
        [{ created_at: "yesterday" }, "$.created_at"],
        [{ routing_trace: [{}, { stage_id: 1 }] }, "$.routing_trace.1.stage_id"],
        [{ stage_results: { implement: [] } }, "$.stage_results.implement"],
        [{ schema: "holdfast/task/v2" }, "$.schema"],
        [{ hints: { size: 1n } }, "$.hints.size"],
        [{ hints: [Number.NaN] }, "$.hints[0]"],
        [{ current_output: undefined }, "$.current_output"],
        [{ hints: new Date(0) }, "$.hints"],
      ];
      for (const [change, place] of cases) {
        const task: Task = { ...SMALL, ...change };
        expect(errorOf(await tasks.save(task))).toMatchObject({ code: "VALIDATION", place });
      }
      expect(existsSync(join(root, "tasks"))).toBe(false);
    });
  });

  it("a task that cannot be read is told by code, path and place", async () => {
    await withFiles(async (store, root) => {
      const tasks = taskStore(store);
      const file = join(root, PATH);
      mkdirSync(dirname(file), { recursive: true });
      valueOf(await tasks.save(WHOLE));
      const whole = readFileSync(file, "utf8");
      const cases: readonly (readonly [string, object])[] = [
        ["", { code: "JSON", line: 1, column: 1 }],
        ['{\n  "task_id": "x",\n  oops\n}', { code: "JSON", line: 3, column: 3 }],
        [whole.slice(0, 400), { code: "JSON" }],
        [whole.replace('"priority": 5', '"priority": 9007199254740993'), { code: "JSON" }],
        [whole.replace('"priority": 5', '"priority": 1e999'), { code: "JSON" }],
        [whole.replace('"priority": 5', '"priority": 5, "priority": 6'), { code: "JSON" }],
        ["[]", { code: "VALIDATION", place: "$" }],
        ["null", { code: "VALIDATION", place: "$" }],
        ["{}", { code: "VALIDATION", place: "$.task_id" }],
        [whole.replace('"in_progress"', '"weird"'), { code: "VALIDATION", place: "$.status" }],
        [whole.replace(ID, "task-a-b-1234abce"), { code: "VALIDATION", place: "$.task_id" }],
        [whole.replace("task/v1", "task/v12"), { code: "VALIDATION", place: "$.schema" }],
      ];
      for (const [text, error] of cases) {
        writeFileSync(file, text);
        expect(errorOf(await tasks.load(ID))).toMatchObject({ ...error, path: PATH });
        expect(readFileSync(file, "utf8")).toBe(text);
      }
      writeFileSync(file, `\uFEFF${whole}`);
      expect(valueOf(await tasks.load(ID))).toStrictEqual(WHOLE);
      rmSync(file);
      expect(errorOf(await tasks.load(ID))).toEqual({ code: "NOT_FOUND", path: PATH });
      mkdirSync(file);
      expect(errorOf(await tasks.load(ID))).toMatchObject({ code: "IO", path: PATH });
      expect(errorOf(await tasks.metadata(ID))).toMatchObject({ code: "IO", path: PATH });
    });
  });

  it("never throws or rejects, whatever it is given", async () => {
    const closed = memoryStore();
    await closed.close();
    const cycle: Record<string, unknown> = { ...SMALL };
    cycle["self"] = cycle;
    let deep: unknown = 0;
    for (let level = 0; level < 100_000; level += 1) deep = [deep];
    const throwing = new Proxy({}, { get: () => assertNever(), ownKeys: () => assertNever() });
    const odd: readonly unknown[] = [
      undefined,
      null,
      0,
      1n,
      "",
      Symbol("s"),
      () => 1,
      [],
      {},
      cycle,
      { ...SMALL, deep },
      { ...SMALL, big: 1n },
      { ...SMALL, spec: throwing },
      throwing,
      { ...SMALL, toJSON: () => assertNever() },
      Object.defineProperty({ ...SMALL }, "status", { enumerable: true, get: () => assertNever() }),
    ];
    for (const store of [memoryStore(), closed]) {
      const tasks = taskStore(store);
      for (const value of odd) {
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what a caller without types may pass
        const [task, id] = [value as Task, value as string];
        for (const result of [await tasks.save(task), await tasks.load(id), await tasks.metadata(id)]) {
          expect(result.ok).toBe(false);
          expect(errorOf(result)).toMatchObject({
            code: expect.stringMatching(/^(VALIDATION|UNKNOWN|IO)$/u),
          });
        }
        await tasks.list(id);
      }
    }
    expect(errorOf(await taskStore(closed).save(SMALL))).toMatchObject({ code: "IO", cause: "STORE_CLOSED" });
    expect(errorOf(await taskStore(closed).list("a"))).toMatchObject({ code: "IO" });
    expect(errorOf(await taskStore(closed).projects())).toMatchObject({ code: "IO" });
  });
});

function assertNever(): never {
  throw new Error("this was asked for");
}

describe("list() and projects()", () => {
  it("a project that is not there has no tasks, and is not made", async () => {
    await withFiles(async (store, root) => {
      const tasks = taskStore(store);
      for (const project of ["none", "..", "../..", "", "a/b", "CON", "x".repeat(300), "\0", ".", "default"])
        expect(await tasks.list(project)).toEqual({ ok: true, value: [] });
      expect(await tasks.projects()).toEqual({ ok: true, value: [] });
      expect(await tasks.load(ID)).toMatchObject({ ok: false });
      expect(existsSync(root)).toBe(false);
    });
  });

  it("gives the tasks of a project, those with odd ids too, and nothing else", async () => {
    await withFiles(async (store, root) => {
      const tasks = taskStore(store);
      const ids = [
        "task-a-1234abcd",
        "task-a-b-1234abcd",
        "task-a-b-1234abce",
        "../../../outside",
        "task-../x-1234abcd",
        "CON",
        "日本語",
        "\u{1F600}",
        "\uFF5E",
        "x".repeat(1_000),
        ".hidden",
        "a b.",
      ];
      for (const id of ids) valueOf(await tasks.save({ ...SMALL, task_id: id }));
      expect(valueOf(await tasks.projects())).toEqual(["a", "a-b", "default"]);
      expect(valueOf(await tasks.list("a"))).toEqual(["task-a-1234abcd"]);
      expect(valueOf(await tasks.list("a-b"))).toEqual(["task-a-b-1234abcd", "task-a-b-1234abce"]);
      expect(valueOf(await tasks.list("default"))).toEqual(
        ids
          .filter((id) => !id.startsWith("task-a"))
          .toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
      );
      for (const id of ids) {
        expect(valueOf(await tasks.load(id)).task_id).toBe(id);
        expect(valueOf(await tasks.metadata(id)).task_id).toBe(id);
      }
      expect(readdirSync(join(root, "tasks")).toSorted()).toEqual(["a", "a-b", "default"]);
      // What others put there is no task of the project.
      for (const name of ["task-b-1234abcd.json", "x.txt", "%zz.json"])
        writeFileSync(join(root, "tasks", "a", name), "{}");
      expect(valueOf(await tasks.list("a"))).toEqual(["task-a-1234abcd"]);
    });
  });

  it("pages through more than a thousand", async () => {
    await withFiles(async (store, root) => {
      mkdirSync(join(root, "tasks", "many"), { recursive: true });
      valueOf(await taskStore(store).save(SMALL));
      const ids = Array.from({ length: 1_500 }, (_, at) => `task-many-${String(at).padStart(8, "0")}`);
      for (const id of ids) writeFileSync(join(root, "tasks", "many", `${id}.json`), "{}");
      expect(valueOf(await taskStore(store).list("many"))).toEqual(ids);
      expect(valueOf(await taskStore(store).projects())).toEqual(["a-b", "many"]);
    });
  });
});

describe("metadata()", () => {
  const big = "hello ".repeat(4_000_000); // 24 MB

  it("reads 64 KiB at most of a task that it wrote, with and without a pipeline", async () => {
    using folder = temporaryFolder();
    const { fileSystem, bytes } = countingReads(ID);
    await using store = fileStore(join(folder.path, "store"), { fileSystem });
    const tasks = taskStore(store);
    for (const task of [WHOLE, SMALL]) {
      valueOf(await tasks.save({ current_output: big, ...task }));
      const before = bytes();
      const metadata = valueOf(await tasks.metadata(ID));
      expect(bytes() - before).toBeLessThanOrEqual(64 * 1024);
      expect(metadata.status).toBe(task.status);
    }
  });

  it("is right for a file in any order, without parsing the rest", async () => {
    await withFiles(async (store, root) => {
      const tasks = taskStore(store);
      valueOf(await tasks.save(WHOLE));
      const { task_id, status, ...rest } = WHOLE;
      const inside = { task_id: "not this one", status: "failed", list: ['"task_id": "nor this"'] };
      writeFileSync(
        join(root, PATH),
        JSON.stringify({ inside, ...rest, current_output: big, status, task_id }),
      );
      expect(valueOf(await tasks.metadata(ID))).toEqual({
        task_id,
        status,
        pipeline_id: "p-1",
        created_at: WHOLE.created_at,
        updated_at: WHOLE.updated_at,
      });
    });
  });

  it("of what cannot be read says what load() says", async () => {
    await withFiles(async (store, root) => {
      const tasks = taskStore(store);
      valueOf(await tasks.save(WHOLE));
      const texts = ["", "{", "[]", "{}", '{"task_id":1}', JSON.stringify({ ...WHOLE, status: "weird" })];
      for (const text of [...texts, JSON.stringify({ ...SMALL, task_id: "another" })]) {
        writeFileSync(join(root, PATH), text);
        expect(await tasks.metadata(ID)).toEqual(await tasks.load(ID));
      }
    });
  });
});

it("taskSchema takes the whole format", () => {
  expect(taskSchema.safeParse(WHOLE).success).toBe(true);
});
