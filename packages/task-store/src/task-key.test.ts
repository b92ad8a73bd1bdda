import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isProjectName, projectOf } from "./index.ts";
import { taskKey, taskOfKey } from "./task-key.ts";

const project = fc.oneof(
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.constantFrom(
    "..",
    ".",
    "CON",
    "nul.txt",
    "a/b",
    "../../etc",
    "a\\b",
    "C:",
    "a.",
    "a ",
    ".git",
    "x.json",
  ),
  fc.constantFrom(
    "日本語",
    "a-b-c",
    "é".repeat(90),
    "é".repeat(91),
    "x".repeat(300),
    "%2E%2E",
    "a\0b",
    "a\nb",
  ),
);
const hex = fc.stringMatching(/^[0-9a-f]{8}$/u);
const anyId = fc
  .oneof(
    fc.tuple(project, hex).map(([name, digits]) => `task-${name}-${digits}`),
    fc.string({ unit: "binary", minLength: 1, maxLength: 300 }),
    project,
  )
  .filter((id) => id !== "" && id.isWellFormed());

describe("projectOf()", () => {
  it("is everything between the first and the last hyphen", () => {
    expect(projectOf("task-a-1234abcd")).toBe("a");
    expect(projectOf("task-a-b-1234abcd")).toBe("a-b");
    expect(projectOf("task--a--1234abcd")).toBe("-a-");
    expect(projectOf("task-日本 語-1234abcd")).toBe("日本 語");
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z0-9_-]{1,40}$/u), hex, (name, digits) => {
        fc.pre(isProjectName(name));
        expect(projectOf(`task-${name}-${digits}`)).toBe(name);
      }),
    );
  });

  it("is default for an id of another form, or a name that is none for a folder", () => {
    for (const id of ["", "task-a", "task-1234abcd", "task--1234abcd", "TASKS-a-1234abcd", "task-a-1234abc"])
      expect(projectOf(id)).toBe("default");
    for (const name of [
      "..",
      "a/b",
      "CON",
      "con.x",
      "../x",
      "a\\b",
      ".git",
      "a.",
      "a ",
      "x".repeat(300),
      "a\nb",
    ])
      expect(projectOf(`task-${name}-1234abcd`)).toBe("default");
    // @ts-expect-error: what a caller without types may pass
    expect([projectOf(undefined), projectOf(1), projectOf({})]).toEqual(["default", "default", "default"]);
  });
});

describe("taskKey()", () => {
  it("stays in the folder of the project whatever the id, and gives the id back", () => {
    fc.assert(
      fc.property(anyId, (id) => {
        const key = taskKey(id);
        const [tasks, folder, name = "", ...more] = key.split("/");
        expect([tasks, folder, more]).toEqual(["tasks", projectOf(id), []]);
        expect(isProjectName(folder ?? "")).toBe(true);
        // oxlint-disable-next-line no-control-regex -- these are what is refused
        expect(name).not.toMatch(/^\.|[\u0000-\u001f\u007f-\u009f\\:*?"<>|]|[. ]$/u);
        expect(Buffer.byteLength(name)).toBeLessThanOrEqual(180);
        const found = taskOfKey(key);
        expect(found).toEqual(name.includes("%~") ? "long" : { id });
      }),
      { numRuns: 500 },
    );
  });

  it("is another one for another id", () => {
    fc.assert(
      fc.property(anyId, anyId, (a, b) => {
        expect(taskKey(a) === taskKey(b)).toBe(a === b);
      }),
    );
    const ids = [
      "..",
      ".",
      "%2E.",
      "a/b",
      "a%2Fb",
      "a",
      "A",
      "x".repeat(300),
      "x".repeat(301),
      "CON",
      "%43ON",
    ];
    expect(new Set(ids.map(taskKey)).size).toBe(ids.length);
  });

  it("is known again only where it is looked for", () => {
    for (const key of [
      "tasks/a/task-b-1234abcd",
      "tasks/default/%2f",
      "tasks/default/%",
      "tasks/a/b/c",
      "tasks/x",
    ])
      expect(taskOfKey(key)).toBeUndefined();
  });
});
