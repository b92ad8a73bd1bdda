// Writes golden/store-v1.json: a store as the first format has it. Run by hand, once for each format, before the next one comes:
// node --conditions=holdfast-source test/support/make-older-store.ts
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { Place } from "./command.ts";
import { writeScriptedWorkflow } from "./scripted-workflow.ts";
import { FORMATS_CONFIG } from "./simulation.ts";

using place = new Place("older");
writeFileSync(place.path("simulation.yaml"), FORMATS_CONFIG);
place.holdfast(["run", "simulation.yaml", "--quiet"], { faults: { KILL_AT: "100:after" } });
writeScriptedWorkflow(place.dir);
place.holdfast(["run", "workflow.yaml", "--quiet"]);
const task = {
  spec: { task_spec_id: "a-b", request: "\u65E5\u672C\u8A9E \u2028", tomorrow: [null, { deep: -1e-7 }] },
  task_id: "task-a-b-1234abcd",
  lifecycle: "queued",
  status: "pending",
  pipeline_id: null,
  embedding: [5e-324, 9007199254740991],
  created_at: "2026-01-02T03:04:05Z",
  updated_at: "2026-01-02T03:04:05Z",
};
const saved = place.holdfast(["task", "save", "-"], { input: JSON.stringify(task) });
if (saved.status !== 0) throw new Error(saved.stderr);

const files: Record<string, string> = {};
for (const entry of readdirSync(place.dir, { recursive: true, withFileTypes: true })) {
  const path = relative(place.dir, join(entry.parentPath, entry.name));
  // Locks are of processes of this machine, the index is made again.
  if (!entry.isFile() || /\.holdfast\/index\/|\/lock\/|\.tmp\./.test(path)) continue;
  const bytes = readFileSync(place.path(path));
  const name = path.includes("/objects/") ? `${path}:base64` : path;
  files[name] = bytes.toString(name === path ? "utf8" : "base64");
}
const golden = join(import.meta.dirname, "../golden");
mkdirSync(golden, { recursive: true });
writeFileSync(join(golden, "store-v1.json"), `${JSON.stringify(files, undefined, 2)}\n`);
