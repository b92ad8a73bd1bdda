import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const notes = readFileSync(new URL("../docs/NOTES.md", import.meta.url), "utf8").split("\n");

test("the notes have a heading and at least three changes", () => {
  assert.match(notes[0], /^# \S/);
  assert.ok(notes.filter((line) => line.startsWith("- ")).length >= 3);
});
